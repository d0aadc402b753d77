import pytest

from deliveries.heartbeat import KEY, beat, scheduler_is_alive
from organizations import redis_client


def test_a_scheduler_that_beat_just_now_is_alive() -> None:
    beat()
    assert scheduler_is_alive() is True


def test_one_that_was_never_heard_of_is_not() -> None:
    assert scheduler_is_alive() is False


def test_one_that_has_been_silent_for_15_seconds_is_not() -> None:
    beat()
    assert 14_000 < redis_client.client().pttl(KEY) <= 15_000
    redis_client.client().pexpire(KEY, 0)
    assert scheduler_is_alive() is False


@pytest.mark.usefixtures("no_redis")
def test_without_redis_nobody_knows() -> None:
    beat()
    assert scheduler_is_alive() is False

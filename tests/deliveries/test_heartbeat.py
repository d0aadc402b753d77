import pytest

from deliveries.heartbeat import (
    SCHEDULER,
    WORKERS,
    Heard,
    beat,
    beat_of_worker,
    gone,
    scheduler_is_alive,
    workers,
)
from organizations import redis_client


def test_a_scheduler_that_beat_just_now_is_alive() -> None:
    beat()
    assert scheduler_is_alive() is True


def test_one_that_was_never_heard_of_is_not() -> None:
    assert scheduler_is_alive() is False


def test_one_that_has_been_silent_for_15_seconds_is_not() -> None:
    beat()
    assert 14_000 < redis_client.client().pttl(SCHEDULER) <= 15_000
    redis_client.client().pexpire(SCHEDULER, 0)
    assert scheduler_is_alive() is False


@pytest.mark.usefixtures("no_redis")
def test_without_redis_nobody_knows() -> None:
    beat()
    assert scheduler_is_alive() is False


def test_workers_are_heard_of() -> None:
    beat_of_worker("housekeeping@b")
    beat_of_worker("deliveries@a")

    heard = workers()

    assert heard is not None
    assert [worker.name for worker in heard] == ["deliveries@a", "housekeeping@b"]
    assert all(worker.is_alive and worker.seconds < 5 for worker in heard)


def test_a_worker_that_is_silent_is_known_for_an_hour_and_then_forgotten() -> None:
    redis = redis_client.client()
    now = redis.time()[0]
    redis.zadd(WORKERS, {"deliveries@a": now - 16, "deliveries@old": now - 3601})
    assert workers() is not None

    beat_of_worker("deliveries@b")

    heard = {worker.name: worker for worker in workers() or []}
    assert list(heard) == ["deliveries@a", "deliveries@b"]
    assert not heard["deliveries@a"].is_alive
    assert Heard("deliveries@a", 15).is_alive


def test_a_worker_that_ended_is_not_missed() -> None:
    beat_of_worker("deliveries@a")

    gone("deliveries@a")

    assert workers() == []


@pytest.mark.usefixtures("no_redis")
def test_without_redis_no_worker_is_known_of() -> None:
    beat_of_worker("deliveries@a")
    gone("deliveries@a")

    assert workers() is None

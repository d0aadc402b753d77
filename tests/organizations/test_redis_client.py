import socket
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from redis.exceptions import SlotNotCoveredError

from organizations import redis_client
from organizations.redis_client import ask


def ping() -> bool | None:
    return ask(lambda redis: bool(redis.ping()), what="test")


@pytest.fixture
def silent_redis(settings: pytest.FixtureDef) -> Iterator[None]:
    """A Redis that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        settings.REDIS_TIMEOUT = 0.05
        yield


def test_redis_answers() -> None:
    assert ping() is True


@pytest.mark.usefixtures("no_redis")
def test_a_redis_that_is_away_answers_nothing() -> None:
    assert ping() is None


@pytest.mark.usefixtures("silent_redis")
def test_a_redis_that_hangs_costs_its_time_out_and_then_nothing_for_a_second() -> None:
    assert ping() is None
    began = time.perf_counter()
    assert [ping() for _ in range(100)] == [None] * 100
    assert time.perf_counter() - began < 0.05


@pytest.mark.usefixtures("silent_redis")
def test_sentinels_that_hang_are_each_asked_once_and_then_left_alone_for_longer(
    settings: pytest.FixtureDef,
) -> None:
    host = settings.REDIS_URL.removeprefix("redis://").removesuffix("/0")
    settings.REDIS_URL = f"sentinel://{','.join([host] * 6)}"
    began = time.monotonic()
    assert ping() is None
    ended = time.monotonic()
    assert 0.3 <= ended - began < 0.6
    assert redis_client._outages[settings.REDIS_URL] > ended + 1.1


def test_redis_is_asked_again_a_second_after_it_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(redis_client._outages, settings.REDIS_URL, time.monotonic() + 0.02)
    assert ping() is None
    time.sleep(0.03)
    assert ping() is True


def test_connections_from_before_a_restart_cost_no_answer() -> None:
    ping()
    for client in redis_client.client().client_list():
        redis_client.client().client_kill(client["addr"]) if client["name"] == "" else None
    assert ping() is True


def test_a_cluster_that_lacks_a_part_is_away() -> None:
    def not_covered(_: object) -> None:
        raise SlotNotCoveredError

    assert ask(not_covered, what="test") is None


def test_a_mistake_of_ours_is_not_taken_for_an_outage() -> None:
    with pytest.raises(ZeroDivisionError):
        ask(lambda _: 1 // 0, what="test")

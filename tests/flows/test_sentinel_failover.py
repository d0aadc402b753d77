"""The primary of Redis is killed, and Sentinels make the replica the primary: nobody has to restart anything."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.journey import Journey, until
from tests.flows.outages import main_processes
from tests.flows.receiver import Receiver
from tests.flows.setups.sentinel import Watched, watched
from tests.flows.setups.valkeys import PASSWORD, QUOTED
from tests.flows.system import started
from triggers_project.doctor import failover
from triggers_project.local.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.timeout(180)]
PROGRAMS = ("web", "worker", "housekeeper", "beat")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path / "sentinel") as found:
        yield found


@pytest.fixture
def stack(redis: Watched) -> Iterator[Stack]:
    few = {"WEB_WORKERS": "1", "DELIVERY_WORKERS": "1"}
    with started(fast=True, **few, **redis.environ) as found:
        found.wait_until_ready(timeout=90)
        until(redis.is_whole, timeout=30, what="the Sentinels know each other")
        yield found


def test_a_failover_loses_nothing_and_heals_by_itself(
    stack: Stack, redis: Watched, running_receiver: Receiver, settings: pytest.FixtureDef
) -> None:
    journey = Journey(stack, running_receiver)
    settings.REDIS_URL = redis.environ["REDIS_URL"]
    assert doctor_says() == ["3 Sentinels answer, and a replica can take over"]
    before, first = main_processes(stack, *PROGRAMS), redis.primary()
    with journey.posting(clients=2) as posted:
        until(journey.arrivals, timeout=20, what="the first arrival")
        redis.kill_primary()
        until(lambda: redis.primary() != first, timeout=20, what="the replica takes over")
        stack.wait_until_ready(timeout=30)
        whole = time.monotonic()
        until(lambda: journey.arrivals()[-1].at > whole, timeout=20, what="sending goes on")

    assert posted.statuses == {202}
    assert not posted.broken
    assert posted.slowest < 2
    journey.wait_for(posted.accepted, timeout=30)
    assert main_processes(stack, *PROGRAMS) == before
    assert doctor_says() == ["No replica follows the primary."]
    assert not any(word in log.read_text() for log in stack.logs.glob("*.log") for word in (PASSWORD, QUOTED))


def doctor_says() -> list[str]:
    return [finding.words for finding in failover.spares()]

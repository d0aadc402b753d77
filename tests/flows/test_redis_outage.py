"""Redis is killed, stays away and comes back, while events come in: nobody has to restart anything.

FLOW_REDIS_ROUNDS and FLOW_REDIS_AWAY (seconds) make it more and longer, for judging a new version of Celery.
"""

import logging
import os
import time
from functools import partial

import pytest

from tests.flows.journey import Answered, Journey, until
from tests.flows.outages import killed, main_processes
from triggers_project.local import valkey
from triggers_project.local.stack import Stack

ROUNDS = int(os.environ.get("FLOW_REDIS_ROUNDS", "1"))
AWAY = float(os.environ.get("FLOW_REDIS_AWAY", "5"))
PATIENCE = 60  # seconds until it has to be healed

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.flow, pytest.mark.timeout(120 + ROUNDS * (AWAY + 2 * PATIENCE))]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_redis_goes_away_and_comes_back(number: int, stack: Stack, journey: Journey) -> None:
    before = main_processes(stack, "web", "worker", "housekeeper", "beat")
    with journey.posting() as posted:
        until(journey.arrivals, timeout=20, what="the first arrival")
        with killed(stack, "valkey"):
            gone = time.monotonic()
            accepted_before = len(posted.accepted)
            until(lambda: time.monotonic() > gone + AWAY, timeout=AWAY + 5, what="Redis has been away")
            accepted_meanwhile = len(posted.accepted) - accepted_before
        until(partial(valkey.is_ready, stack.data_dir), timeout=30, what="Redis is back")
        back = time.monotonic()
        first = first_arrival_after(journey, back)
        stack.wait_until_ready(timeout=PATIENCE)
        whole = time.monotonic() - back

    after = main_processes(stack, *before)
    log.info(
        "away %.0f s, %d accepted meanwhile, slowest answer %.2f s; back: first arrival after %.1f s, ready after "
        "%.1f s; restarted by supervision: %s",
        AWAY,
        accepted_meanwhile,
        posted.slowest,
        first,
        whole,
        [name for name in before if before[name] != after[name]],
    )
    assert_all_accepted(posted)
    assert accepted_meanwhile > AWAY * 5
    assert posted.slowest < 3
    journey.wait_for(posted.accepted, timeout=PATIENCE)


def first_arrival_after(journey: Journey, moment: float) -> float:
    """Seconds from then until the first webhook arrived."""
    until(lambda: journey.arrivals()[-1].at > moment, timeout=PATIENCE, what="sending goes on")
    return next(arrival.at - moment for arrival in journey.arrivals() if arrival.at > moment)


def assert_all_accepted(posted: Answered) -> None:
    assert posted.statuses == {202}
    assert not posted.broken

"""`make chaos`: one fault after the other, under load, with a ledger on both sides.

After each: every event that was accepted has arrived, none is invented, what came twice was on its way when the fault
struck, and all is well again within a minute without a hand. CHAOS_ROUNDS says how many, CHAOS_AWAY how many seconds
PostgreSQL is away (Redis twice as long), CHAOS_PAUSE how many each of four clients rests before its next event.
"""

import logging
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.flows.faults import FAULTS, Fault
from tests.flows.journey import Answered, Journey
from tests.flows.system import started
from triggers_project.local.stack import Stack

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "3"))
AWAY = float(os.environ.get("CHAOS_AWAY", "2"))
PAUSE = float(os.environ.get("CHAOS_PAUSE", "0.05"))
PATIENCE = 60  # seconds until it has to be healed
ON_ITS_WAY = 0.2  # seconds until the receiver answers: so something is on its way whenever a fault strikes
AROUND = 1.0  # seconds of load before and after each fault; what is on its way is settled well within them

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.flow, pytest.mark.timeout(60 + ROUNDS * (2 * AWAY + 2 * PATIENCE))]


def in_random_order(rounds: int) -> list[Fault]:
    """Each once before any comes twice. pytest-randomly has seeded chance: `-p randomly -p "randomly_seed=…"`."""
    found: list[Fault] = []
    while len(found) < rounds:
        found += random.sample(FAULTS, len(FAULTS))
    return found[:rounds]


@pytest.fixture
def stack() -> Iterator[Stack]:
    """With servers that keep what they have confirmed, even when they are killed."""
    with started(fast=False) as found:
        found.wait_until_ready(timeout=90)
        yield found


def test_nothing_is_lost_whatever_breaks(stack: Stack, journey: Journey) -> None:
    log.info(
        "%-22s %9s %8s %7s %8s %6s %8s",
        "fault",
        "accepted",
        "refused",
        "broken",
        "arrived",
        "twice",
        "healed",
    )
    journey.receiver.behave(journey.name, delay=ON_ITS_WAY)
    for fault in in_random_order(ROUNDS):
        one_round(stack, journey, fault)


def one_round(stack: Stack, journey: Journey, fault: Fault) -> None:
    known = {arrival.delivery_id for arrival in journey.arrivals()}
    with journey.posting(clients=4, pause=PAUSE) as posted:
        time.sleep(AROUND)
        struck = time.monotonic()
        fault(stack, AWAY)
        over = time.monotonic()
        time.sleep(AROUND)
    stack.wait_until_ready(timeout=PATIENCE)
    journey.wait_for(posted.accepted, timeout=max(1.0, over + PATIENCE - time.monotonic()))
    # What arrived but was not settled comes again; only then is it known what came twice.
    journey.wait_until_settled(timeout=max(1.0, over + PATIENCE - time.monotonic()))
    healed = time.monotonic() - over
    twice = assert_twice_only_what_was_on_its_way(journey, known, since=struck - AROUND, until=over + AROUND)
    arrived = assert_none_is_invented(journey, posted)
    refused = sum(reply.status == 503 for reply in posted.replies)
    row = (len(posted.accepted), refused, posted.broken, arrived, twice)
    log.info("%-22s %9d %8d %7d %8d %6d %6.1f s", fault.__name__, *row, healed)
    assert posted.statuses <= {202, 503}


def assert_none_is_invented(journey: Journey, posted: Answered) -> int:
    """What arrived was posted: it was accepted, or its answer was lost with the connection. How many arrived."""
    stored = {row[0] for row in journey.sql("SELECT id::text FROM events_event")}
    arrived = journey.receiver.delivered(journey.name)
    assert arrived <= stored
    unheard = arrived - journey.accepted_before - set(posted.accepted)
    assert len(unheard) <= posted.broken + sum(reply.status == 503 for reply in posted.replies)
    journey.accepted_before |= arrived
    return len(arrived & set(posted.accepted))


def assert_twice_only_what_was_on_its_way(
    journey: Journey, known: set[str], *, since: float, until: float
) -> int:
    """How many came twice: each time as another attempt, and the first of them around the fault."""
    came = defaultdict(list)
    for arrival in journey.arrivals():
        if arrival.delivery_id not in known:
            came[arrival.delivery_id].append(arrival)
    repeated = [arrivals for arrivals in came.values() if len(arrivals) > 1]
    for arrivals in repeated:
        assert len({arrival.attempt for arrival in arrivals}) == len(arrivals)
        assert since <= arrivals[0].at <= until
    return len(repeated)

"""A worker that is asked to end finishes what is in flight."""

import pytest

from tests.flows.journey import Journey, until
from triggers_project.local.stack import Stack

pytestmark = pytest.mark.flow

EVENTS = 30
DELAY = 1.5  # seconds that the receiver takes; below the time-out of a webhook


def test_a_worker_that_is_stopped_finishes_what_is_in_flight(stack: Stack, journey: Journey) -> None:
    journey.receiver.behave(journey.name, delay=DELAY)
    posted = [journey.post(n=number) for number in range(EVENTS)]
    until(journey.arrivals, timeout=30, what="something is in flight")

    stack.stop_program("worker")
    counting = "SELECT count(*) FROM deliveries_delivery WHERE organization_id = %s"
    in_flight = journey.sql(f"{counting} AND claimed_until IS NOT NULL", journey.organization_id)
    delivered = journey.sql(f"{counting} AND status = 'delivered'", journey.organization_id)
    arrived = len(journey.arrivals())
    stack.start_program("worker")

    assert in_flight == [(0,)]
    assert delivered == [(arrived,)]
    assert 0 < arrived < EVENTS
    journey.wait_for(posted, timeout=60)
    assert len(journey.arrivals()) == EVENTS

"""`kill -9` of the worker with hundreds of webhooks in flight: all arrive, and only those in flight may come twice."""

import logging
from collections import defaultdict

import pytest

from tests.flows.journey import Journey, until
from tests.flows.receiver import Receiver
from triggers_project.local.stack import Stack

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

IN_FLIGHT = 500
TENANTS = 3  # one tenant has at most 256 in flight in each of the two processes
WARM = 400  # events for each before: an endpoint is sent more at once the more it has taken
EVENTS = 400
DELAY = 2.0  # seconds that the receiver takes; below the time-out of a webhook


def test_a_killed_worker_with_500_in_flight_loses_none_and_repeats_only_those(
    stack: Stack, running_receiver: Receiver
) -> None:
    journeys = [Journey(stack, running_receiver) for _ in range(TENANTS)]
    for journey in journeys:
        journey.wait_for(journey.post_mixed(WARM).accepted, timeout=60)
        running_receiver.behave(journey.name, delay=DELAY)
    accepted = [journey.post_mixed(EVENTS).accepted for journey in journeys]

    until(lambda: len(in_flight(journeys)) >= IN_FLIGHT, timeout=30, what=f"{IN_FLIGHT} are in flight")
    stack.kill("worker")
    at_the_kill = in_flight(journeys)
    for journey in journeys:
        running_receiver.behave(journey.name)

    assert len(at_the_kill) > IN_FLIGHT / 2  # some are settled between the look and the kill
    for journey, events in zip(journeys, accepted, strict=True):
        assert len(set(events)) == EVENTS
        journey.wait_for(events, timeout=90)
    repeated = came_twice(journeys)
    log.info("%d in flight at the kill, %d of them arrived twice", len(at_the_kill), len(repeated))
    assert repeated <= at_the_kill


def in_flight(journeys: list[Journey]) -> set[str]:
    """The deliveries whose lease runs: claimed, and not settled."""
    rows = journeys[0].sql(
        "SELECT id::text FROM deliveries_delivery WHERE organization_id = ANY (%s) AND claimed_until > now()",
        [journey.organization_id for journey in journeys],
    )
    return {row[0] for row in rows}


def came_twice(journeys: list[Journey]) -> set[str]:
    """Each time as another attempt, so that a receiver can tell."""
    attempts = defaultdict(list)
    for journey in journeys:
        for arrival in journey.arrivals():
            attempts[arrival.delivery_id].append(arrival.attempt)
    assert all(len(set(numbers)) == len(numbers) for numbers in attempts.values())
    return {delivery for delivery, numbers in attempts.items() if len(numbers) > 1}

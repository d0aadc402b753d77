"""Two schedulers at once do no harm: nothing is sent twice, retries come when they are due, each job runs as ever."""

import threading

import pytest

from tests.flows.faults import two_beats
from tests.flows.journey import Journey, until
from triggers_project.local.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]

SECONDS = 6.0  # several of the sweep's beats
FAILING = 4  # fewer failures than open the circuit


def test_two_beats_send_nothing_twice_and_lose_nothing(stack: Stack, journey: Journey) -> None:
    journey.receiver.behave(journey.name, status=500)
    failing = [journey.post(n=number) for number in range(FAILING)]
    until(lambda: len(journey.arrivals()) >= FAILING, timeout=30, what="all have failed once")

    second = threading.Thread(target=two_beats, args=(stack, SECONDS))
    second.start()
    journey.receiver.behave(journey.name)
    with journey.posting(clients=2) as posted:
        second.join()

    assert posted.statuses == {202}
    journey.wait_for([*failing, *posted.accepted], timeout=60)
    arrivals = journey.arrivals()
    assert len({(arrival.delivery_id, arrival.attempt) for arrival in arrivals}) == len(arrivals)
    succeeded = [arrival.event_id for arrival in arrivals if arrival.answered == 204]
    assert sorted(succeeded) == sorted({*failing, *posted.accepted})
    stack.wait_until_ready(timeout=30)

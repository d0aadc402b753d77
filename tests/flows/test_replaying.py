"""A dead letter waits, and arrives when it is replayed."""

import pytest

from tests.flows.journey import Journey, until

pytestmark = pytest.mark.flow

ATTEMPTS = 5  # RETRY_SCHEDULE has four waits


def test_a_dead_letter_is_replayed_and_arrives(journey: Journey) -> None:
    journey.receiver.behave(journey.name, status=500)
    event_id = journey.post(order=13)
    dead = wait_until(journey, "dead_letter")
    assert dead["attempts"] == ATTEMPTS
    assert [attempt["status_code"] for attempt in dead["attempt_log"]] == [500] * ATTEMPTS
    assert journey.call("GET", f"/api/events/{event_id}").json()["status"] == "dead_letter"

    journey.receiver.behave(journey.name)
    answer = journey.call("POST", f"/api/deliveries/{dead['id']}/retry")
    assert answer.status_code == 202, answer.text

    journey.wait_for([event_id], timeout=30)
    assert wait_until(journey, "delivered")["attempts"] == 1
    arrivals = journey.arrivals()
    assert [arrival.answered for arrival in arrivals] == [500] * ATTEMPTS + [204]
    assert [arrival.attempt for arrival in arrivals] == list(range(1, ATTEMPTS + 2))
    assert {arrival.event_id for arrival in arrivals} == {event_id}
    assert all(arrival.verified for arrival in arrivals)


def wait_until(journey: Journey, status: str) -> dict:
    """The only delivery, with its attempts, as soon as it has that status."""

    def found() -> list:
        return journey.call("GET", "/api/deliveries", status=status).json()["items"]

    until(found, timeout=60, what=f"the delivery is {status}")
    return journey.call("GET", f"/api/deliveries/{found()[0]['id']}").json()

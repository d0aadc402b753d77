"""A search for one event's id in the logs tells its whole story."""

import json

import pytest

from tests.flows.journey import Journey, session, until
from triggers_project.local.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]


def story(stack: Stack, event_id: str) -> list[dict[str, object]]:
    """All lines with that id, in order of time."""
    found = [
        json.loads(line)
        for path in stack.logs.glob("*.log")
        for line in path.read_text(errors="replace").splitlines()
        if event_id in line and line.startswith("{")
    ]
    return sorted(found, key=lambda line: str(line["time"]))


def told(stack: Stack, event_id: str) -> list[tuple[object, object, object]]:
    return [(line["event"], line["level"], line.get("status")) for line in story(stack, event_id)]


def test_an_event_that_was_given_up_replayed_and_acknowledged(stack: Stack, journey: Journey) -> None:
    journey.receiver.behave(journey.name, status=500)
    with session() as http:
        batch = {"events": [{"type": "flow.event", "payload": 1}] * 2}
        answer = journey.call("POST", "/api/events/batch", batch, http=http)
    event_id = answer.json()["results"][0]["id"]
    journey.wait_until_settled(timeout=60)
    journey.receiver.behave(journey.name)
    assert journey.call("POST", "/api/deliveries/retry", {"status": "dead_letter"}).status_code == 202
    journey.wait_for([event_id], timeout=30)
    journey.wait_until_settled(timeout=30)
    assert journey.call("POST", "/api/ack", {"event_ids": [event_id]}).status_code == 200
    gave_up = [("delivery.attempted", "info", "failed")] * 4 + [
        ("delivery.attempted", "warning", "dead_letter")
    ]
    expected = [
        ("batch.accepted", "info", None),
        *gave_up,
        ("replay.went_on", "info", None),
        ("delivery.attempted", "info", "delivered"),
        ("events.acknowledged", "info", None),
    ]
    until(lambda: len(told(stack, event_id)) >= len(expected), timeout=10, what="the story is written")
    assert told(stack, event_id) == expected
    accepted = story(stack, event_id)[0]
    assert accepted["request_id"] == answer.headers["X-Request-ID"]
    assert accepted["organization_id"] == journey.organization_id

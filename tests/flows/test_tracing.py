"""One trace from whoever sends an event to whoever receives it, over all processes between them."""

import uuid

import pytest

from tests.flows.collector import Collector
from tests.flows.journey import Journey, session, until

pytestmark = pytest.mark.flow


def test_a_trace_goes_from_sender_to_receiver(journey: Journey, running_collector: Collector) -> None:
    trace_id, senders = uuid.uuid4().hex, "00f067aa0ba902b7"
    journey.call("PATCH", f"/api/endpoints/{journey.endpoint_id}", {"send_traceparent": True})
    with session() as http:
        http.headers["traceparent"] = f"00-{trace_id}-{senders}-01"
        event = {"type": "flow.event", "payload": {"mark": journey.mark}}
        event_id = journey.call("POST", "/api/events", event, http=http).json()["id"]
    journey.wait_for([event_id], timeout=20)
    spans: dict = {}
    until(
        lambda: spans.update(running_collector.spans(trace_id)) or len(spans) == 2,
        timeout=20,
        what="the spans of the web and of the worker",
    )

    accept, attempt = spans["accept"], spans["attempt"]
    assert accept.parent_span_id.hex() == senders
    assert attempt.parent_span_id == accept.span_id
    (arrival,) = journey.arrivals()
    assert arrival.traceparent == f"00-{trace_id}-{attempt.span_id.hex()}-01"
    facts = {fact.key: fact.value.string_value or fact.value.int_value for fact in attempt.attributes}
    assert facts["triggers.event_id"] == event_id
    assert (facts["triggers.outcome"], facts["http.response.status_code"]) == ("delivered", 204)
    assert {path for path, _ in running_collector.received} == {"/v1/traces"}
    told = b"".join(body for _, body in running_collector.received)
    assert [secret for secret in (journey.mark, journey.key) if secret.encode() in told] == []

"""The trace of a call that accepts events, through both doors."""

import json
from types import SimpleNamespace

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from events.models import Event
from organizations.models import Organization
from tests.calls import Caller
from tests.traced import CALLERS, SPAN_ID, TRACE_ID, Traced, parent_of, trace_id_of, traceparent_of

pytestmark = pytest.mark.usefixtures("door")

EVENTS, BATCH = "/api/events", "/api/events/batch"
EVENT = {"type": "order.created", "payload": {"n": 1}}


@pytest.fixture(autouse=True)
def _inbox_is_enough(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)


@pytest.mark.parametrize(("given", "kept"), [(CALLERS, CALLERS), ("00-0-0-00", None), (None, None)])
def test_without_traces_the_callers_own_is_kept(
    acme: SimpleNamespace, given: str | None, kept: str | None
) -> None:
    headers = {"traceparent": given} if given else {}
    assert acme.api.post(EVENTS, EVENT, headers=headers).status_code == 202
    assert Event.objects.get().traceparent == kept


def test_a_span_continues_the_callers_trace_and_is_kept_with_the_event(
    acme: SimpleNamespace, traced: Traced
) -> None:
    acme.api.post(EVENTS, EVENT, headers={"traceparent": CALLERS})
    span, event = traced.span(), Event.objects.get()
    assert event.traceparent == traceparent_of(span)
    assert (trace_id_of(span), parent_of(span)) == (TRACE_ID, (TRACE_ID, SPAN_ID))
    assert (span.name, span.kind, span.status.status_code) == ("accept", SpanKind.SERVER, StatusCode.UNSET)
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/api/events",
        "http.response.status_code": 202,
        "triggers.organization_id": str(acme.organization.pk),
        "triggers.event_id": str(event.pk),
        "triggers.event_type": "order.created",
    }


def test_who_sends_no_trace_begins_one(acme: SimpleNamespace, traced: Traced) -> None:
    acme.api.post(EVENTS, EVENT)
    span = traced.span()
    assert parent_of(span) is None
    assert Event.objects.get().traceparent == traceparent_of(span)


def test_who_has_sampled_it_out_has_no_span(acme: SimpleNamespace, traced: Traced) -> None:
    """But the trace goes on, for those behind us."""
    acme.api.post(EVENTS, EVENT, headers={"traceparent": CALLERS.removesuffix("01") + "00"})
    kept = Event.objects.get().traceparent
    assert traced.spans() == []
    assert (kept[:36], kept[52:]) == (f"00-{TRACE_ID}-", "-00")


def test_the_events_of_a_batch_have_its_span(acme: SimpleNamespace, traced: Traced) -> None:
    acme.api.post(BATCH, {"events": [EVENT, EVENT, {"type": ""}]})
    span = traced.span()
    assert set(Event.objects.values_list("traceparent", flat=True)) == {traceparent_of(span)}
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/api/events/batch",
        "http.response.status_code": 207,
        "triggers.organization_id": str(acme.organization.pk),
        "triggers.accepted": 2,
    }


def test_a_refused_call_is_no_error_of_ours(acme: SimpleNamespace, traced: Traced) -> None:
    acme.api.post(EVENTS, {"type": "a b", "payload": 1})
    span = traced.span()
    assert span.attributes["http.response.status_code"] == 422
    assert (span.status.status_code, "error.type" in span.attributes) == (StatusCode.UNSET, False)


def test_of_who_has_no_key_nothing_is_told(anyone: Caller, traced: Traced) -> None:
    assert anyone.post(EVENTS, EVENT, headers={"traceparent": CALLERS}).status_code == 401
    assert traced.spans() == []


def test_lines_of_the_log_tell_the_trace(acme: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    acme.api.post(EVENTS, EVENT, headers={"traceparent": CALLERS})
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["trace_id"]) for line in said] == [
        ("event.accepted", TRACE_ID),
        ("request.finished", TRACE_ID),
    ]

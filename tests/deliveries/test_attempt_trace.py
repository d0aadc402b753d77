"""The trace of an attempt, and what of it the receiver is told."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from deliveries.models import Attempt
from deliveries.sent_request import SentRequests
from organizations.models import Organization
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import Behaviour, Request, answers, receiving
from tests.factories import ago, make_delivery, make_endpoint, make_event
from tests.traced import (
    CALLERS,
    SPAN_ID,
    TRACE_ID,
    Traced,
    links_of,
    parent_of,
    trace_id_of,
    traceparent_of,
)


def sent(
    organization: Organization,
    behaviour: Behaviour,
    *,
    asks: bool = True,
    tracing: object = None,
    times: int = 1,
    **event: object,
) -> tuple[object, list[Request]]:
    """The delivery of an event of the caller's trace, and what came."""
    with receiving(behaviour) as receiver:
        endpoint = make_endpoint(organization, url=f"{receiver.url}?token=hunter2", send_traceparent=asks)
        made = make_event(organization, **{"traceparent": CALLERS, **event})
        delivery = make_delivery(endpoint, event=made)
        run_engine(tracing=tracing, schedule=[0] * (times - 1))
    return delivery, receiver.requests


@pytest.mark.parametrize(("asks", "given"), [(True, CALLERS), (False, None)])
def test_without_traces_a_receiver_that_asks_gets_the_events(
    committed_organization: Organization, asks: bool, given: str | None
) -> None:
    _, (request,) = sent(committed_organization, answers(204), asks=asks)
    assert request.headers.get("traceparent") == given


def test_an_event_without_a_trace_passes_none_on(committed_organization: Organization) -> None:
    _, (request,) = sent(committed_organization, answers(204), traceparent=None)
    assert "traceparent" not in request.headers


def test_the_request_put_together_again_has_it_unless_it_was_the_attempts_own(
    committed_organization: Organization, settings: pytest.FixtureDef
) -> None:
    delivery, _ = sent(committed_organization, answers(204))
    shown = []
    for settings.TRACES in (False, True):
        requests = SentRequests(delivery.event_id, [delivery.endpoint])
        shown.append(requests.of(Attempt.objects.get(), delivery).headers["traceparent"])
    assert shown == [CALLERS, "(not shown)"]


def test_an_attempt_is_a_span_below_the_acceptance(
    committed_organization: Organization, traced: Traced
) -> None:
    delivery, (request,) = sent(committed_organization, answers(204), tracing=traced.tracing)
    span = traced.span()
    assert (span.name, span.kind, span.status.status_code) == ("attempt", SpanKind.CLIENT, StatusCode.UNSET)
    assert (trace_id_of(span), parent_of(span), links_of(span)) == (TRACE_ID, (TRACE_ID, SPAN_ID), [])
    assert request.headers["traceparent"] == traceparent_of(span)
    assert dict(span.attributes) == {
        "triggers.organization_id": str(delivery.organization_id),
        "triggers.event_id": str(delivery.event_id),
        "triggers.event_type": "order.created",
        "triggers.delivery_id": str(delivery.pk),
        "triggers.endpoint_id": str(delivery.endpoint_id),
        "triggers.attempt": 1,
        "triggers.outcome": "delivered",
        "http.request.method": "POST",
        "http.response.status_code": 204,
    }


def test_each_attempt_is_a_span_and_a_failed_one_says_why(
    committed_organization: Organization, traced: Traced
) -> None:
    _, came = sent(committed_organization, answers(500), asks=False, tracing=traced.tracing, times=2)
    first, second = traced.spans()
    assert ["traceparent" in request.headers for request in came] == [False, False]
    assert {parent_of(first), parent_of(second)} == {(TRACE_ID, SPAN_ID)}
    assert [
        (span.attributes["triggers.attempt"], span.attributes["error.type"]) for span in (first, second)
    ] == [
        (1, "rejected"),
        (2, "rejected"),
    ]
    assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, None)


def test_what_is_sent_days_later_has_a_trace_of_its_own_that_points_to_the_first(
    committed_organization: Organization, traced: Traced
) -> None:
    late = ago(days=1, seconds=1)
    _, (request,) = sent(committed_organization, answers(204), tracing=traced.tracing, created_at=late)
    span = traced.span()
    assert (parent_of(span), links_of(span)) == (None, [(TRACE_ID, SPAN_ID)])
    assert trace_id_of(span) != TRACE_ID
    assert request.headers["traceparent"] == traceparent_of(span)


def test_what_was_accepted_without_traces_begins_one(
    committed_organization: Organization, traced: Traced
) -> None:
    sent(committed_organization, answers(204), tracing=traced.tracing, traceparent=None)
    span = traced.span()
    assert (parent_of(span), links_of(span)) == (None, [])

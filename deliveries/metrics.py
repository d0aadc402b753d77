"""What is counted here, for Prometheus, and the log line of each attempt."""

import collections
from collections.abc import Mapping, Sequence

import structlog
from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram

from deliveries import outcome as outcomes
from deliveries.settle import Answer
from organizations.metrics import observe_all
from organizations.traceparent import trace_facts

log = structlog.get_logger(__name__)

SETTLED = ("delivered", "dead_letter")
_BUCKETS = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    3600.0,
)

attempts_made = Counter("triggers_attempts_total", "Attempts, by what came of each.", ["outcome"])
deliveries_settled = Counter("triggers_deliveries_total", "Deliveries that were settled, by how.", ["status"])
attempt_seconds = Histogram("triggers_attempt_seconds", "How long an attempt took.", buckets=_BUCKETS)
delivery_seconds = Histogram(
    "triggers_accept_to_delivered_seconds",
    "From an event's acceptance to its delivery.",
    buckets=_BUCKETS,
)
first_attempt_seconds = Histogram(
    "triggers_accept_to_first_attempt_seconds",
    "From an event's acceptance to the start of its first attempt: ours alone, whatever the receiver does.",
    buckets=_BUCKETS,
)
tenant_deliveries = Counter(
    "triggers_tenant_deliveries_total",
    "With METRICS_BY_TENANT: deliveries that were settled, by how.",
    ["organization_id", "status"],
)
sends_in_flight = Gauge("triggers_sends_in_flight", "Attempts under way.", multiprocess_mode="livesum")
rings = Counter("triggers_rings_total", "Doorbell rings, by what came of each.", ["outcome"])

# From 0 on, so that the first one is seen as growth.
for _kind in outcomes.KINDS:
    attempts_made.labels(_kind)
for _status in SETTLED:
    deliveries_settled.labels(_status)
for _ring in ("sent", "already_ringing", "failed"):
    rings.labels(_ring)


def note_answers(answers: Sequence[Answer], moved: Mapping[str, str]) -> None:
    """Counts and logs what was settled. `moved`: to what each delivery did; one is missing when somebody else had
    claimed it meanwhile."""
    ends = [moved.get(answer.delivery.id) for answer in answers]
    firsts = [(answer, end) for answer, end in zip(answers, ends, strict=True) if answer.delivery.claim == 1]
    for kind, number in collections.Counter(answer.outcome.kind for answer in answers).items():
        attempts_made.labels(kind).inc(number)
    for status, number in collections.Counter(end for end in ends if end in SETTLED).items():
        deliveries_settled.labels(status).inc(number)
    observe_all(attempt_seconds, [answer.duration_ms / 1000 for answer in answers])
    observe_all(first_attempt_seconds, [answer.waited for answer, _ in firsts])
    observe_all(delivery_seconds, [answer.since_accepted for answer, end in firsts if end == "delivered"])
    if settings.METRICS_BY_TENANT:
        _count_by_tenant(answers, ends)
    for answer, end in zip(answers, ends, strict=True):
        _log(answer, end)


def _count_by_tenant(answers: Sequence[Answer], ends: Sequence[str | None]) -> None:
    whose = (answer.delivery.organization_id for answer in answers)
    for (organization_id, status), number in collections.Counter(zip(whose, ends, strict=True)).items():
        if status in SETTLED:
            tenant_deliveries.labels(organization_id, status).inc(number)


def _log(answer: Answer, status: str | None) -> None:
    delivery, outcome = answer.delivery, answer.outcome
    say = log.warning if status == "dead_letter" else log.info
    say(
        "delivery.attempted",
        organization_id=delivery.organization_id,
        event_id=delivery.event_id,
        delivery_id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        attempt=delivery.claim,
        outcome=outcome.kind,
        status_code=outcome.status_code,
        duration_ms=answer.duration_ms,
        status=status or "superseded",
        **trace_facts(delivery.traceparent),
    )

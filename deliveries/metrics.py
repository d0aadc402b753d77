"""What is counted here, for Prometheus, and the log line of each attempt."""

import structlog
from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram

from deliveries import outcome as outcomes
from deliveries.settle import Answer
from organizations.traceparent import trace_facts

log = structlog.get_logger(__name__)

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
for _status in ("delivered", "dead_letter"):
    deliveries_settled.labels(_status)
for _ring in ("sent", "already_ringing", "failed"):
    rings.labels(_ring)


def note_answer(answer: Answer, status: str | None) -> None:
    """`status` is what the delivery moved to; None when somebody else had claimed it meanwhile."""
    delivery, outcome = answer.delivery, answer.outcome
    attempts_made.labels(outcome.kind).inc()
    attempt_seconds.observe(answer.duration_ms / 1000)
    if status in ("delivered", "dead_letter"):
        deliveries_settled.labels(status).inc()
        if settings.METRICS_BY_TENANT:
            tenant_deliveries.labels(delivery.organization_id, status).inc()
    if delivery.claim == 1:
        first_attempt_seconds.observe(answer.waited)
    if status == "delivered" and delivery.claim == 1:
        delivery_seconds.observe(answer.since_accepted)
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

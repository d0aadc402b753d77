"""What is counted here, for Prometheus."""

from prometheus_client import Counter

from events.errors import DuplicateEvent, IdempotencyInFlight, IdempotencyMismatch, NoEndpoint
from organizations.errors import BodyTooLarge, BodyTooSlow, InvalidBody, MalformedBody, OverLimit, Refused
from organizations.tiers import Tier

events_accepted = Counter("triggers_events_accepted_total", "Events stored.", ["tier"])
events_duplicate = Counter("triggers_events_duplicate_total", "Events refused as duplicates.")
events_rejected = Counter(
    "triggers_events_rejected_total",
    "Events refused for another reason; a call that was refused as a whole counts once.",
    ["reason"],
)
tenant_events_accepted = Counter(
    "triggers_tenant_events_accepted_total", "With METRICS_BY_TENANT: events stored.", ["organization_id"]
)

REASONS: dict[type[Exception], str] = {
    InvalidBody: "invalid",
    MalformedBody: "invalid",
    BodyTooLarge: "too_large",
    BodyTooSlow: "too_slow",
    OverLimit: "over_limit",
    NoEndpoint: "no_endpoint",
    IdempotencyMismatch: "idempotency",
    IdempotencyInFlight: "idempotency",
}
OTHER, UNAVAILABLE = "other", "unavailable"

# From 0 on, so that the first one is seen as growth.
for _tier in Tier.values:
    events_accepted.labels(_tier)
for _reason in (*REASONS.values(), OTHER, UNAVAILABLE):
    events_rejected.labels(_reason)


def note_refusal(error: Exception) -> None:
    """A call to accept events that ended so. Duplicates have a figure of their own; a stranger's call is no event."""
    if isinstance(error, DuplicateEvent):
        return
    reason = next((REASONS[kind] for kind in type(error).__mro__ if kind in REASONS), None)
    events_rejected.labels(reason or (OTHER if isinstance(error, Refused) else UNAVAILABLE)).inc()

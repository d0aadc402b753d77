"""An attempt, as its event's trace tells of it; and which `traceparent` its receiver is given, if it asks for one."""

from datetime import timedelta
from typing import TYPE_CHECKING

from deliveries.claim import Claimed
from deliveries.outcome import Outcome

if TYPE_CHECKING:
    from organizations.tracing import Tracing

# Of the event's trace is what happens within a day of its acceptance, all automatic retries among it. What is sent
# again later has a trace of its own, which points to the first: nobody keeps a trace open for weeks.
SAME_TRACE_FOR = timedelta(days=1)


class AttemptTrace:
    def __init__(self, tracing: "Tracing", delivery: Claimed) -> None:
        is_late = delivery.claimed_at - delivery.event_created_at > SAME_TRACE_FOR
        self._delivery = delivery
        self._span = tracing.begin_attempt(parent=delivery.traceparent, linked=is_late)
        self.traceparent = self._span.traceparent

    def end(self, outcome: Outcome) -> None:
        delivery = self._delivery
        facts: dict[str, str | int] = {
            "triggers.organization_id": delivery.organization_id,
            "triggers.event_id": delivery.event_id,
            "triggers.event_type": delivery.event_type,
            "triggers.delivery_id": delivery.id,
            "triggers.endpoint_id": delivery.endpoint_id,
            "triggers.attempt": delivery.claim,
            "triggers.outcome": outcome.kind,
            "http.request.method": "POST",
        }
        if outcome.status_code is not None:
            facts["http.response.status_code"] = outcome.status_code
        self._span.end(facts, error=None if outcome.delivered else outcome.kind)


def passed_on(delivery: Claimed, trace: AttemptTrace | None) -> str | None:
    """To the receiver: our attempt's, or while traces are off what the event came with."""
    if not delivery.send_traceparent:
        return None
    return delivery.traceparent if trace is None else trace.traceparent

"""Taking in what is posted: within the limit, stored with its deliveries. Both doors call this, and then ring."""

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from deliveries.fan_out import FAN_OUT
from events.accept import Accepted, Posted, accept_all, accept_event, accept_events
from events.accept_trace import AcceptTrace
from events.answers import accepted_answer, batch_answer
from events.idempotency import Answer
from events.incoming import IncomingEvent
from organizations.errors import InvalidBody, Refused
from organizations.limits import Spending, over_limit, spend_all
from organizations.models import Organization
from organizations.verification import allowed_limit

log = structlog.get_logger(__name__)


class Call(NamedTuple):
    """One call of `POST /api/events`: its event, or what was wrong with it. It costs 1 in either case."""

    organization: Organization
    event: IncomingEvent | Refused
    traceparent: str | None = None


class Taken(NamedTuple):
    """`outcome`: a trade's error, or any other, such as a database that is away."""

    spending: Spending
    outcome: Accepted | Exception


def take_event(
    organization: Organization, event: IncomingEvent, *, trace: AcceptTrace | None = None
) -> Answer:
    """Accepts one event, or raises what `accept_event` raises. The limit and the bell are the caller's business."""
    accepted = accept_event(
        organization, event, fan_out=FAN_OUT, traceparent=None if trace is None else trace.traceparent
    )
    if trace is not None:
        trace.note_event(accepted.id, accepted.type)
    log.info("event.accepted", event_id=str(accepted.id), event_type=accepted.type)
    return accepted_answer(accepted)


def take_batch(
    organization: Organization,
    incoming: Sequence[IncomingEvent | InvalidBody],
    *,
    trace: AcceptTrace | None = None,
) -> Answer:
    """Accepts those that can be. The limit and the bell are the caller's business."""
    taken = [event for event in incoming if not isinstance(event, InvalidBody)]
    traceparent = None if trace is None else trace.traceparent
    outcomes = accept_events(organization, taken, fan_out=FAN_OUT, traceparent=traceparent)
    if len(taken) < len(incoming):
        accepted = iter(outcomes)
        outcomes = [event if isinstance(event, InvalidBody) else next(accepted) for event in incoming]
    answer, counts = batch_answer(outcomes)
    if trace is not None:
        trace.note_batch(accepted=counts["accepted"])
    log.info("batch.accepted", **counts)
    return answer


def take_calls(calls: Sequence[Call]) -> list[Taken]:
    """What became of each of many concurrent calls, in order: one look at the limits, and one commit. Who called this
    is to ring when any was accepted: nobody waits for that."""
    spendings = spend_all([(allowed_limit(call.organization), 1) for call in calls])
    posted = [
        Posted(call.organization, call.event, call.traceparent)
        for call, spending in zip(calls, spendings, strict=True)
        if spending.passed and isinstance(call.event, IncomingEvent)
    ]
    accepted = iter(_accepted(posted))
    return [
        Taken(spending, _refusal(call, spending) or next(accepted))
        for call, spending in zip(calls, spendings, strict=True)
    ]


def _accepted(posted: Sequence[Posted]) -> Sequence[Accepted | Exception]:
    try:
        return accept_all(posted, fan_out=FAN_OUT)
    except Exception as error:  # each caller is told; what they have spent of their limits stands
        return [error for _ in posted]


def _refusal(call: Call, spending: Spending) -> Refused | None:
    """What stands against the call before the database is asked."""
    if not spending.passed:
        return over_limit(call.organization.tier, spending, 1)
    return call.event if isinstance(call.event, Refused) else None

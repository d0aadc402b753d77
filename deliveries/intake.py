"""Taking in what is posted: within the limit, stored with its deliveries. Both doors call this, and then ring."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import structlog

from deliveries.fan_out import FAN_OUT
from events.accept import Accepted, Posted, accept_all, accept_event
from events.accept_trace import AcceptTrace
from events.answers import accepted_answer, batch_answer
from events.errors import DuplicateEvent
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


class Batch(NamedTuple):
    """One call of `POST /api/events/batch`, read. `about`: what its line in the log is to tell of the request."""

    organization: Organization
    incoming: Sequence[IncomingEvent | InvalidBody]
    trace: AcceptTrace | None = None
    about: Mapping[str, str] = MappingProxyType({})


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
    """`take_batches` for one. Raises what became of it, if that is an error."""
    answer = take_batches([Batch(organization, incoming, trace)])[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


def take_batches(batches: Sequence[Batch]) -> list[Answer | Exception]:
    """Accepts of each what can be, in one commit, and says in order what is answered. The limits and the bell are the
    caller's business."""
    posted = [
        Posted(batch.organization, event, None if batch.trace is None else batch.trace.traceparent)
        for batch in batches
        for event in batch.incoming
        if not isinstance(event, InvalidBody)
    ]
    accepted = iter(_accepted(posted))
    return [
        _answer_to(batch, [one if isinstance(one, InvalidBody) else next(accepted) for one in batch.incoming])
        for batch in batches
    ]


def _answer_to(batch: Batch, outcomes: Sequence[Accepted | Exception]) -> Answer | Exception:
    told: list[Accepted | DuplicateEvent | InvalidBody] = []
    for outcome in outcomes:
        if not isinstance(outcome, Accepted | DuplicateEvent | InvalidBody):
            return outcome  # which all of them hear
        told.append(outcome)
    answer, counts = batch_answer(told)
    if batch.trace is not None:
        batch.trace.note_batch(accepted=counts["accepted"])
    log.info("batch.accepted", **counts, **batch.about)
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

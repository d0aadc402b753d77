"""What is answered to who posts events: the documents of `POST /api/events` and `POST /api/events/batch`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from events.accept import Accepted
from events.errors import DuplicateEvent
from events.idempotency import Answer
from events.metrics import events_rejected
from organizations.errors import InvalidBody


def accepted_answer(accepted: Accepted) -> Answer:
    """The 202 to one event."""
    return Answer.of(
        202,
        {
            "id": accepted.id,
            "type": accepted.type,
            "dedup_id": accepted.dedup_id,
            "created_at": accepted.created_at,
            "status": "pending",
        },
    )


class _AcceptedResult(msgspec.Struct):
    """What is said of an event that was accepted: most are, so this costs less than a dict."""

    index: int
    status: str
    id: str


def batch_answer(
    outcomes: Sequence[Accepted | DuplicateEvent | InvalidBody],
) -> tuple[Answer, dict[str, Any]]:
    """202 when all were accepted, else 207; and for the log how many were `accepted`, `duplicates` and `rejected`, and
    the `event_ids` that were accepted."""
    event_ids = [outcome.id for outcome in outcomes if isinstance(outcome, Accepted)]
    all_accepted = len(event_ids) == len(outcomes)
    rejected = 0 if all_accepted else sum(isinstance(outcome, InvalidBody) for outcome in outcomes)
    counts = {
        "accepted": len(event_ids),
        "duplicates": len(outcomes) - len(event_ids) - rejected,
        "rejected": rejected,
    }
    if rejected:
        events_rejected.labels("invalid").inc(rejected)
    status = 202 if all_accepted else 207
    results: list[_AcceptedResult | dict[str, Any]] = [
        _AcceptedResult(index, "accepted", outcome.id)
        if isinstance(outcome, Accepted)
        else _other_result(index, outcome)
        for index, outcome in enumerate(outcomes)
    ]
    return Answer.of(status, {**counts, "results": results}), {**counts, "event_ids": event_ids}


def _other_result(index: int, outcome: DuplicateEvent | InvalidBody) -> dict[str, Any]:
    if isinstance(outcome, DuplicateEvent):
        error = {"code": "duplicate_event", "detail": str(outcome), "event_id": outcome.event_id}
        return {"index": index, "status": "duplicate", "id": outcome.event_id, "error": error}
    faults = [{"pointer": pointer, "detail": detail} for pointer, detail in outcome.fields]
    return {
        "index": index,
        "status": "rejected",
        "error": {"code": "invalid_body", "detail": str(outcome), "errors": faults},
    }

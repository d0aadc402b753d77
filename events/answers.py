"""What is answered to who posts events: the documents of `POST /api/events` and `POST /api/events/batch`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

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


def batch_answer(
    outcomes: Sequence[Accepted | DuplicateEvent | InvalidBody],
) -> tuple[Answer, dict[str, Any]]:
    """202 when all were accepted, else 207; and for the log how many were `accepted`, `duplicates` and `rejected`, and
    the `event_ids` that were accepted."""
    results = [{"index": index, **_result(outcome)} for index, outcome in enumerate(outcomes)]
    statuses = Counter(result["status"] for result in results)
    counts = {
        "accepted": statuses["accepted"],
        "duplicates": statuses["duplicate"],
        "rejected": statuses["rejected"],
    }
    if counts["rejected"]:
        events_rejected.labels("invalid").inc(counts["rejected"])
    event_ids = [result["id"] for result in results if result["status"] == "accepted"]
    status = 202 if counts["accepted"] == len(outcomes) else 207
    return Answer.of(status, {**counts, "results": results}), {**counts, "event_ids": event_ids}


def _result(outcome: Accepted | DuplicateEvent | InvalidBody) -> dict[str, Any]:
    if isinstance(outcome, Accepted):
        return {"status": "accepted", "id": str(outcome.id)}
    if isinstance(outcome, DuplicateEvent):
        error = {
            "code": "duplicate_event",
            "detail": str(outcome),
            "event_id": str(outcome.event_id),
        }
        return {"status": "duplicate", "id": str(outcome.event_id), "error": error}
    faults = [{"pointer": pointer, "detail": detail} for pointer, detail in outcome.fields]
    return {
        "status": "rejected",
        "error": {"code": "invalid_body", "detail": str(outcome), "errors": faults},
    }

"""Retention: removes old events with their deliveries and attempts, in small batches, a little at a time."""

import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from deliveries.models import Replay
from deliveries.purge_tiers import FIRST, expired_of_tier
from deliveries.traffic import Traffic
from events.arrivals import Arrivals
from events.models import OnceKey
from events.spans import remove_old
from organizations.deadlocks import again_after_deadlock
from organizations.sql import run, run_for_tuples
from organizations.uuid7 import SLACK_OF_CLOCKS, first_id_at

log = structlog.get_logger(__name__)

BATCH = 1_000
# Whoever was refused by a key asks for its event a moment later, when it may have expired.
ASKED_WITHIN = timedelta(minutes=1)

_OLDEST = """
SELECT id FROM events_event AS event
WHERE id > %(after)s::uuid AND id < %(bound)s::uuid AND created_at < now() - %(kept)s::interval AND NOT EXISTS (
    SELECT FROM deliveries_delivery WHERE event_id = event.id AND status IN ('pending', 'failed')
)
ORDER BY id LIMIT %(most)s::int
"""
_LOCK_SETTLED = """
SELECT id FROM deliveries_delivery WHERE event_id = ANY (%(events)s::uuid[]) AND status NOT IN ('pending', 'failed')
ORDER BY id FOR UPDATE
"""
_REMOVE_ATTEMPTS = "DELETE FROM deliveries_attempt WHERE delivery_id = ANY (%(deliveries)s::uuid[])"
_REMOVE_DELIVERIES = "DELETE FROM deliveries_delivery WHERE id = ANY (%(deliveries)s::uuid[])"
_REMOVE_EVENTS = """
WITH gone AS (
    DELETE FROM events_event AS event WHERE id = ANY (%(events)s::uuid[])
    AND NOT EXISTS (SELECT FROM deliveries_delivery WHERE event_id = event.id)
    RETURNING id
)
SELECT count(*) AS removed FROM gone
"""


def purge_expired(*, days: int, seconds: float, shorter: Mapping[str, int] | None = None) -> int:
    """Removes events older than `days` of which nothing is open, and keys nobody holds any more. Returns the events.

    `shorter`: tiers that keep theirs for fewer days than that. Begins no further batch after so many seconds; the next
    run goes on.
    """
    deadline = time.monotonic() + seconds
    OnceKey.objects.filter(expires_at__lt=Now() - ASKED_WITHIN).delete()
    Replay.objects.filter(finished_at__lt=Now() - timedelta(days=days)).delete()
    removed = 0
    by_tier = [expired_of_tier(tier, days=kept, most=BATCH) for tier, kept in (shorter or {}).items()]
    for batches in (_oldest(days), *by_tier):
        while time.monotonic() < deadline and (batch := next(batches, None)):
            removed += _remove(batch)
    if removed:
        log.info("purge.finished", events=removed)
    return removed


def purge_figures() -> int:
    """Removes rows of figures that no span shows any more, a batch of each kind. How many."""
    return remove_old(Traffic._meta.db_table) + remove_old(Arrivals._meta.db_table)


def _oldest(days: int) -> Iterator[list[uuid.UUID]]:
    """Batches of ids, oldest first, to be removed before the next is asked for. Each is looked for above the last: what
    lies below was removed, and is not cleaned up yet."""
    kept, after = timedelta(days=days), FIRST
    # Where nothing is old it would else go through all that there is.
    bound = first_id_at(timezone.now() - kept, SLACK_OF_CLOCKS)
    while rows := run_for_tuples(_OLDEST, {"after": after, "bound": bound, "kept": kept, "most": BATCH}):
        batch = [row[0] for row in rows]
        yield batch
        after = batch[-1]


@again_after_deadlock
def _remove(batch: list[uuid.UUID]) -> int:
    """Whoever replays one of these at this moment keeps it: what is open by now stays, with its event."""
    with transaction.atomic():
        deliveries = [row[0] for row in run_for_tuples(_LOCK_SETTLED, {"events": batch})]
        run(_REMOVE_ATTEMPTS, {"deliveries": deliveries})
        run(_REMOVE_DELIVERIES, {"deliveries": deliveries})
        return int(run(_REMOVE_EVENTS, {"events": batch})[0]["removed"])

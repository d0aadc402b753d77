"""Retention: removes old events with their deliveries and attempts, in small batches, a little at a time."""

import time
import uuid
from collections.abc import Mapping
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from deliveries.models import Attempt, Delivery, Replay
from deliveries.purge_tiers import expired_of_tier
from deliveries.querysets import OPEN
from deliveries.traffic import Traffic
from events.arrivals import Arrivals
from events.models import Event, OnceKey
from events.spans import remove_old
from organizations.uuid7 import SLACK_OF_CLOCKS, id_bounds

log = structlog.get_logger(__name__)

BATCH = 1_000


def purge_expired(*, days: int, seconds: float, shorter: Mapping[str, int] | None = None) -> int:
    """Removes events older than `days` of which nothing is open, and keys nobody holds any more. Returns the events.

    `shorter`: tiers that keep theirs for fewer days than that. Begins no further batch after so many seconds; the next
    run goes on.
    """
    deadline = time.monotonic() + seconds
    OnceKey.objects.filter(expires_at__lt=Now()).delete()
    Replay.objects.filter(finished_at__lt=Now() - timedelta(days=days)).delete()
    removed = 0
    while time.monotonic() < deadline and (batch := _next_batch(days)):
        removed += _remove(batch)
    for tier, kept in (shorter or {}).items():
        for batch in expired_of_tier(tier, days=kept, most=BATCH):
            if time.monotonic() >= deadline:
                break
            removed += _remove(batch)
    if removed:
        log.info("purge.finished", events=removed)
    return removed


def purge_figures() -> int:
    """Removes rows of figures that no span shows any more, a batch of each kind. How many."""
    return remove_old(Traffic._meta.db_table) + remove_old(Arrivals._meta.db_table)


def _next_batch(days: int) -> list[uuid.UUID]:
    """The oldest. Ids bound the look for them: where nothing is old it would else go through all that there is."""
    bounds = id_bounds(None, timezone.now() - timedelta(days=days), slack=SLACK_OF_CLOCKS)
    old = Event.objects.filter(created_at__lt=Now() - timedelta(days=days), **bounds).exclude(
        _has_deliveries(status__in=OPEN)
    )
    return list(old.order_by("id").values_list("pk", flat=True)[:BATCH])


def _remove(batch: list[uuid.UUID]) -> int:
    """Whoever replays one of these at this moment keeps it: what is open by now stays, with its event."""
    with transaction.atomic():
        settled = Delivery.objects.filter(event_id__in=batch).exclude(status__in=OPEN)
        deliveries = list(settled.select_for_update().values_list("pk", flat=True))
        Attempt.objects.filter(delivery_id__in=deliveries).delete()
        Delivery.objects.filter(pk__in=deliveries)._raw_delete("default")
        return int(Event.objects.filter(pk__in=batch).exclude(_has_deliveries())._raw_delete("default"))


def _has_deliveries(**conditions: object) -> Exists:
    return Exists(Delivery.objects.filter(event_id=OuterRef("pk"), **conditions))

"""Retention: removes old events with their deliveries and attempts, in small batches."""

import uuid
from datetime import timedelta

import structlog
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from deliveries.models import Attempt, Delivery
from deliveries.querysets import OPEN
from events.models import Event, OnceKey

log = structlog.get_logger(__name__)

BATCH = 1_000


def purge_expired(*, days: int) -> int:
    """Removes events older than `days` of which nothing is open, and keys nobody holds any more. Returns the events."""
    OnceKey.objects.filter(expires_at__lt=Now()).delete()
    removed = 0
    while batch := _next_batch(days):
        Attempt.objects.filter(delivery__event_id__in=batch).delete()
        Delivery.objects.filter(event_id__in=batch).delete()
        Event.objects.filter(pk__in=batch)._raw_delete("default")
        removed += len(batch)
    log.info("purge.finished", events=removed)
    return removed


def _next_batch(days: int) -> list[uuid.UUID]:
    open_deliveries = Delivery.objects.filter(event_id=OuterRef("pk"), status__in=OPEN)
    old = Event.objects.filter(created_at__lt=Now() - timedelta(days=days)).exclude(Exists(open_deliveries))
    return list(old.order_by("id").values_list("pk", flat=True)[:BATCH])

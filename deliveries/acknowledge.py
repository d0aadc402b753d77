"""Settling events by hand: nothing more of them is sent."""

import uuid
from collections.abc import Sequence

import structlog
from django.db import transaction

from deliveries.models import Delivery
from deliveries.querysets import DeliveryQuerySet
from events.acknowledge import acknowledge
from events.models import Event
from organizations.audit import Actor, record
from organizations.deadlocks import again_after_deadlock
from organizations.models import Organization

log = structlog.get_logger(__name__)


@again_after_deadlock
def acknowledge_and_cancel(organization: Organization, event_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Cancels what was still to be sent of them. Returns those that are the organization's."""
    with transaction.atomic():
        known = acknowledge(organization, event_ids)
        _cancel(Delivery.objects.filter(event_id__in=known))
    log.info("events.acknowledged", events=len(known), event_ids=[str(event_id) for event_id in known])
    return known


@again_after_deadlock
def acknowledge_by_staff(event: Event, *, actor: Actor) -> int | None:
    """How many deliveries were canceled with it; None when it was acknowledged already."""
    with transaction.atomic():
        # Whoever presses at the same time waits here, and then sees what the first one did.
        locked = Event.objects.select_for_update(of=("self",)).select_related("organization").defer("payload")
        seen = locked.get(pk=event.pk)
        if seen.acknowledged_at is not None:
            return None
        acknowledge(seen.organization, [seen.pk])
        canceled = _cancel(Delivery.objects.filter(event=seen))
        record(
            actor,
            "event.acknowledged",
            row=seen,
            before={"acknowledged": False},
            after={"acknowledged": True, "canceled": canceled},
        )
    return canceled


def _cancel(deliveries: DeliveryQuerySet) -> int:
    """In this order: what dies before it is canceled is laid by."""
    canceled = deliveries.cancel()
    deliveries.lay_by()
    return canceled

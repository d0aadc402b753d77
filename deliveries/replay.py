"""Sending again, by hand: one delivery, one event, or all that match. Each is one conditional UPDATE and a ring."""

import uuid

from django.db import transaction

from deliveries.errors import DeliveryNotFound
from deliveries.fan_out import WANTED
from deliveries.models import Delivery, Endpoint
from deliveries.querysets import DeliveryQuerySet
from deliveries.ring import ring_after_commit
from events.models import Event
from organizations.deadlocks import again_after_deadlock
from organizations.models import Organization
from organizations.sql import run

# The endpoints that an event has not gone to yet: those that want its type, or the one that is named.
_ADD = f"""
INSERT INTO deliveries_delivery (
    id, organization_id, event_id, event_type, endpoint_id, status, attempts, claim, next_attempt_at, manual, test,
    last_error, created_at
)
SELECT triggers_uuid7(), event.organization_id, event.id, event.type, endpoint.id, 'pending', 0, 0, now(), false,
    false, '', now()
FROM events_event AS event
JOIN deliveries_endpoint AS endpoint
    ON endpoint.organization_id = event.organization_id AND endpoint.deleted_at IS NULL
WHERE event.id = %(event)s AND (
    endpoint.id = %(endpoint)s OR (%(endpoint)s::uuid IS NULL AND {WANTED.format(type="event.type")})
)
ON CONFLICT (event_id, endpoint_id) DO NOTHING
RETURNING id
"""


def find_delivery(organization: Organization, delivery_id: uuid.UUID) -> Delivery:
    delivery = Delivery.objects.of(organization).filter(pk=delivery_id).first()
    if delivery is None:
        raise DeliveryNotFound("This organization has no such delivery.")
    return delivery


@again_after_deadlock
def send_again(deliveries: DeliveryQuerySet) -> int:
    """Sends these now, whatever their state: what is settled starts again with all its attempts, what is open gets
    one attempt by hand that does not count. Those of deleted endpoints stay as they are. Returns how many moved; of
    two callers at once, one moves each."""
    reachable = deliveries.reachable()
    with transaction.atomic():
        # What is open first: a delivery that was just replayed must not count as open as well.
        moved = reachable.send_now() + reachable.replay()
        ring_after_commit()
    return moved


@again_after_deadlock
def replay_event(event: Event, *, endpoint: Endpoint | None = None) -> int:
    """Sends an event again: to the endpoint given, or to all it went to and all that want it now. How many."""
    deliveries = Delivery.objects.filter(event=event)
    if endpoint is not None:
        deliveries = deliveries.filter(endpoint=endpoint)
    with transaction.atomic():
        moved = send_again(deliveries)
        added = run(_ADD, {"event": event.pk, "endpoint": endpoint.pk if endpoint else None})
        if added:
            Event.objects.unwanted().filter(pk=event.pk).update(unwanted=False)
    return moved + len(added)

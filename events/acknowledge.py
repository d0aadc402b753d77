"""Settling events by hand."""

import uuid
from collections.abc import Sequence

from django.db.models.functions import Now

from events.errors import EventNotFound
from events.models import Event
from organizations.models import Organization


def acknowledge(organization: Organization, event_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Settles those that are the organization's. Returns all of those, the ones that already were included."""
    events = Event.objects.of(organization).filter(pk__in=event_ids)
    events.unacknowledged().update(acknowledged_at=Now())
    return list(events.values_list("pk", flat=True))


def find_event(organization: Organization, event_id: uuid.UUID) -> Event:
    event = Event.objects.of(organization).filter(pk=event_id).first()
    if event is None:
        raise EventNotFound("This organization has no such event.")
    return event

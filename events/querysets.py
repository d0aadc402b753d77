from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.expressions import RawSQL

from organizations.querysets import newest_of
from organizations.uuid7 import SLACK_OF_CLOCKS, id_bounds

if TYPE_CHECKING:
    from organizations.models import Organization


class EventQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> EventQuerySet:
        return self.filter(organization=organization)

    def newest_of(self, organization: Organization) -> EventQuerySet:
        """The organization's, newest first, by an index that begins with it (`organizations/querysets.py`)."""
        return newest_of(self, organization)

    def of_type(self, event_type: str | None) -> EventQuerySet:
        return self.filter(type=event_type) if event_type else self

    def between(self, since: datetime | None, until: datetime | None) -> EventQuerySet:
        """Created at or after `since`, and before `until`; None leaves that end open."""
        found = self.filter(created_at__gte=since) if since else self
        found = found.filter(created_at__lt=until) if until else found
        return found.filter(**id_bounds(since, until, slack=SLACK_OF_CLOCKS))

    def containing(self, document: str | None) -> EventQuerySet:
        """Of which the payload contains this JSON text, as PostgreSQL's `@>` has it; None lets all through."""
        if document is None:
            return self
        # As text: parsed and written again, a number could be another one.
        contains = RawSQL("events_event.payload @> %s::jsonb", [document], output_field=models.BooleanField())
        return self.filter(contains)

    def acknowledged(self) -> EventQuerySet:
        return self.filter(acknowledged_at__isnull=False)

    def unacknowledged(self) -> EventQuerySet:
        return self.filter(acknowledged_at__isnull=True)

    def unwanted(self) -> EventQuerySet:
        """To which no delivery leads; of an event that was replayed since, one may."""
        return self.filter(unwanted=True)

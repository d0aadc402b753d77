"""Finding events by what a person has at hand."""

import uuid

from django.db.models import QuerySet

from events.models import Event
from organizations.sql import run

MOST_FOUND = 200

# One look-up in the primary key for each tenant: the key alone is in no index, and a scan could take a minute.
_HELD_NOW = """
SELECT once.event_id FROM organizations_organization AS organization
CROSS JOIN LATERAL (
    SELECT event_id FROM events_oncekey WHERE organization_id = organization.id AND kind = 'dedup' AND key = %(key)s
    LIMIT 1
) AS once
LIMIT %(most)s
"""


def events_with_dedup_id(dedup_id: str, *, tenant: uuid.UUID | None) -> list[uuid.UUID]:
    """Of one tenant: all its events with that dedup id. Of all tenants: those of the last 24 hours, more or less."""
    if tenant is None:
        return [row["event_id"] for row in run(_HELD_NOW, {"key": dedup_id, "most": MOST_FOUND})]
    events: QuerySet[Event] = Event.objects.filter(organization_id=tenant, dedup_id=dedup_id)
    return list(events.values_list("pk", flat=True)[:MOST_FOUND])

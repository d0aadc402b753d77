"""What may go of tenants whose tier keeps its events for a shorter time than others do.

Their old events lie among young ones of tenants that keep theirs: to look for them by id alone would go through all of
those, every ten seconds. So tenants are walked, some at a time, with a look into the index of each; a tick that finds
nothing ends soon, and the next goes on from there. The place is this process' own: whoever starts anew begins anew.
"""

import uuid
from collections.abc import Iterator
from datetime import timedelta

from organizations.models import Organization
from organizations.sql import run
from organizations.uuid7 import SLACK_OF_CLOCKS, first_id_at

TENANTS = 200  # looked at in one statement; 2 ms when none has anything old
EMPTY_LOOKS = 5  # without finding anything, of one tick
FIRST = uuid.UUID(int=0)

_EXPIRED = """
SELECT old.id FROM unnest(%(tenants)s::uuid[]) AS tenant (id) CROSS JOIN LATERAL (
    SELECT id FROM events_event AS event
    WHERE organization_id = tenant.id AND id < %(bound)s::uuid
    AND created_at < statement_timestamp() - %(kept)s::interval
    AND NOT EXISTS (
        SELECT FROM deliveries_delivery WHERE event_id = event.id AND status IN ('pending', 'failed')
    )
    ORDER BY id LIMIT %(most)s::int
) AS old
LIMIT %(most)s::int
"""

_places: dict[str, uuid.UUID] = {}


def expired_of_tier(tier: str, *, days: int, most: int) -> Iterator[list[uuid.UUID]]:
    """Batches of ids of events, to be removed before the next is asked for. None is empty."""
    empty = 0
    while empty < EMPTY_LOOKS:
        place = _places.get(tier, FIRST)
        found = Organization.objects.filter(tier=tier, pk__gt=place).order_by("pk")
        tenants = list(found.values_list("pk", flat=True)[:TENANTS])
        while tenants and (batch := _expired(tenants, days=days, most=most)):
            yield batch
            empty = 0
        empty += 1
        if len(tenants) < TENANTS:
            _places.pop(tier, None)
            return
        _places[tier] = tenants[-1]


def _expired(tenants: list[uuid.UUID], *, days: int, most: int) -> list[uuid.UUID]:
    now = run("SELECT statement_timestamp() AS now", {})[0]["now"]
    kept = timedelta(days=days)
    bound = first_id_at(now - kept, SLACK_OF_CLOCKS)
    return [
        row["id"] for row in run(_EXPIRED, {"tenants": tenants, "bound": bound, "kept": kept, "most": most})
    ]

"""What happens now: events as they are committed, and attempts as they are settled, by asking again and again.

An id is made, and an attempt begun, some time before its row is committed. So each look goes back for a while, and what
was told already is left out: what is committed late is told late, not never.
"""

import uuid
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from events.spans import database_now
from organizations.sql import run
from organizations.uuid7 import first_id_at

# How far back a look goes: as long as accepting takes, and clocks of machines that accept differ.
EVENTS_BACK = timedelta(seconds=30)
MOST_TOLD = 1_000  # of a look, and a kind

_MATCHES = """
(%(organization)s::uuid IS NULL OR {row}.organization_id = %(organization)s::uuid)
AND (%(type)s::text IS NULL OR {type} = %(type)s::text)
AND (%(prefix)s::text IS NULL OR starts_with({type}, %(prefix)s::text))
"""
_NEW_EVENTS = f"""
SELECT id FROM events_event WHERE id > %(after)s::uuid AND {_MATCHES.format(row="events_event", type="type")}
ORDER BY id
"""
_EVENTS = """
SELECT event.id, event.type, event.created_at AS at, organization.name AS tenant,
    CASE WHEN %(payloads)s::bool THEN event.payload::text END AS payload
FROM events_event AS event LEFT JOIN organizations_organization AS organization
    ON organization.id = event.organization_id
WHERE event.id = ANY (%(ids)s::uuid[]) ORDER BY event.id
"""
_NEW_ATTEMPTS = f"""
SELECT delivery_id, number FROM deliveries_attempt AS attempt
JOIN deliveries_delivery AS delivery ON delivery.id = delivery_id
WHERE started_at > %(after)s::timestamptz AND {_MATCHES.format(row="delivery", type="delivery.event_type")}
ORDER BY started_at
"""
_ATTEMPTS = """
SELECT delivery.event_id AS id, delivery.event_type AS type, organization.name AS tenant, number, outcome,
    status_code, error, duration_ms, delivery.id AS delivery_id, split_part(endpoint.url, '?', 1) AS url,
    started_at + duration_ms * interval '1 millisecond' AS at
FROM unnest(%(deliveries)s::uuid[], %(numbers)s::int[]) AS told (delivery_id, number)
JOIN deliveries_attempt AS attempt USING (delivery_id, number)
JOIN deliveries_delivery AS delivery ON delivery.id = attempt.delivery_id
LEFT JOIN deliveries_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
LEFT JOIN organizations_organization AS organization ON organization.id = delivery.organization_id
ORDER BY at
"""


@dataclass(frozen=True)
class Happening:
    """`kind` is `event` or `attempt`; `facts` are what else is known of it. `id` is always the event's."""

    kind: str
    at: datetime
    id: uuid.UUID
    type: str
    tenant: str | None
    facts: Mapping[str, Any]


class Live:
    """Tells what happens from its making on. `attempts_back`: longer than an attempt can take, settling included."""

    def __init__(
        self,
        *,
        organization_id: uuid.UUID | None = None,
        pattern: str | None = None,
        payloads: bool = False,
        attempts_back: timedelta,
    ) -> None:
        is_prefix = bool(pattern and pattern.endswith(".*"))
        self._which = {
            "organization": organization_id,
            "type": None if is_prefix else pattern,
            "prefix": pattern[:-1] if pattern and is_prefix else None,
        }
        self._payloads = payloads
        self._attempts_back = attempts_back
        self._told: dict[str, set[Hashable]] = {"events": set(), "attempts": set()}
        self._news()  # what is there already is no news

    def look(self) -> tuple[list[Happening], int]:
        """What is new, in the order in which it happened; and of how much more there was no room to tell."""
        ids, attempts = self._news()
        found = run(_EVENTS, {"ids": ids[:MOST_TOLD], "payloads": self._payloads}) if ids else []
        happened = [_happening("event", row) for row in found]
        if told := attempts[:MOST_TOLD]:
            deliveries, numbers = [row[0] for row in told], [row[1] for row in told]
            rows = run(_ATTEMPTS, {"deliveries": deliveries, "numbers": numbers})
            happened += [_happening("attempt", row) for row in rows]
        left = max(0, len(ids) - MOST_TOLD) + max(0, len(attempts) - MOST_TOLD)
        return sorted(happened, key=lambda one: one.at), left

    def _news(self) -> tuple[list[uuid.UUID], list[tuple[uuid.UUID, int]]]:
        now = database_now()
        events = run(_NEW_EVENTS, {**self._which, "after": first_id_at(now - EVENTS_BACK)})
        attempts = run(_NEW_ATTEMPTS, {**self._which, "after": now - self._attempts_back})
        return (
            self._untold("events", [row["id"] for row in events]),
            self._untold("attempts", [(row["delivery_id"], row["number"]) for row in attempts]),
        )

    def _untold(self, kind: str, there: list[Any]) -> list[Any]:
        """What is not among those told already; remembered are those that the next look may find again."""
        new = [one for one in there if one not in self._told[kind]]
        self._told[kind] = set(there)
        return new


def _happening(kind: str, row: dict[str, Any]) -> Happening:
    return Happening(kind, row.pop("at"), row.pop("id"), row.pop("type"), row.pop("tenant"), row)

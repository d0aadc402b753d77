"""Which deliveries are sent next: one statement decides it, and this is the only place that does.

It walks the endpoints that have open deliveries (a skip scan over the index `delivery_open`), round from after the one
that was served last, so that everybody has a turn. From each that is enabled and has room it takes the deliveries that
are due, no more than fit, and postpones them to the end of a lease. If the claimer dies, they are simply due again
then. `claim` grows with it; whoever settles must name it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

_OPEN = "status IN ('pending', 'failed')"

# One leg of the walk: the next endpoint with open deliveries, again and again.
_LEG = f"""
    (SELECT endpoint_id FROM deliveries_delivery WHERE {_OPEN} AND {{start}} ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT endpoint_id FROM deliveries_delivery
        WHERE {_OPEN} AND endpoint_id > {{leg}}.endpoint_id ORDER BY endpoint_id LIMIT 1
    )
    FROM {{leg}} WHERE {{leg}}.endpoint_id IS NOT NULL
"""

CLAIM = f"""
WITH RECURSIVE onward AS ({_LEG.format(leg="onward", start="endpoint_id > %(start)s")}),
round AS ({_LEG.format(leg="round", start="endpoint_id <= %(start)s")}),
walk AS (
    SELECT endpoint_id FROM onward WHERE endpoint_id IS NOT NULL
    UNION ALL
    SELECT endpoint_id FROM round WHERE endpoint_id <= %(start)s
),
picked AS MATERIALIZED (
    -- LATERAL and LIMIT keep the planner from turning the round into a join, which has no order and reads everything.
    SELECT due.id, due.manual, place.url, place.revision
    FROM walk
    CROSS JOIN LATERAL (
        SELECT url, revision, coalesce((%(rooms)s::jsonb ->> id::text)::int, %(room)s) AS room
        FROM deliveries_endpoint
        WHERE id = walk.endpoint_id AND state = 'enabled' AND deleted_at IS NULL
            AND organization_id <> ALL (%(crowded)s::uuid[])
        LIMIT 1
    ) AS place
    CROSS JOIN LATERAL (
        SELECT id, manual FROM deliveries_delivery
        WHERE endpoint_id = walk.endpoint_id AND {_OPEN} AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT place.room
        FOR UPDATE SKIP LOCKED
    ) AS due
    LIMIT %(most)s
),
claimed AS (
    UPDATE deliveries_delivery AS delivery
    SET claim = claim + 1, manual = false,
        next_attempt_at = now() + %(lease)s * interval '1 second',
        claimed_until = now() + %(lease)s * interval '1 second'
    FROM picked WHERE delivery.id = picked.id
    RETURNING delivery.*, picked.manual AS by_hand, picked.url, picked.revision
)
SELECT claimed.id::text, claimed.organization_id::text, claimed.event_id::text, claimed.endpoint_id::text,
    claimed.event_type, claimed.claim, claimed.attempts, claimed.test, claimed.by_hand AS manual, claimed.url,
    claimed.revision, event.payload::text AS payload, event.created_at AS event_created_at,
    clock_timestamp() AS claimed_at
FROM claimed JOIN events_event AS event ON event.id = claimed.event_id
"""


_json = msgspec.json.Encoder()


@dataclass(slots=True)
class Claimed:
    """A delivery that is ours to send until the lease ends, with all that sending needs; ids as text."""

    id: str
    organization_id: str
    event_id: str
    endpoint_id: str
    event_type: str
    claim: int
    attempts: int
    test: bool
    manual: bool
    url: str
    revision: int
    payload: str
    event_created_at: datetime
    claimed_at: datetime


async def claim_due(
    connection: psycopg.AsyncConnection[Any],
    *,
    most: int,
    room: int,
    rooms: Mapping[str, int],
    lease: float,
    start: str,
    crowded: Sequence[str] = (),
) -> list[Claimed]:
    """At most `most` due deliveries, now ours for `lease` seconds.

    `rooms` says how many more an endpoint may get; any other gets up to `room`. The walk begins after `start` and
    passes over the endpoints of `crowded` organizations.
    """
    async with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(
            CLAIM.encode(),
            {
                "most": most,
                "room": room,
                "rooms": _json.encode(rooms).decode(),
                "lease": lease,
                "start": start,
                "crowded": list(crowded),
            },
            prepare=True,
        )
        return await cursor.fetchall()


def last_served(claimed: list[Claimed], *, start: str) -> str:
    """The endpoint at which a walk that began after `start` came to its end: where the next one goes on."""
    return max(
        (delivery.endpoint_id for delivery in claimed), key=lambda id_: (id_ <= start, id_), default=start
    )

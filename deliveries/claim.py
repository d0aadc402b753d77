"""Which deliveries are sent next: one statement decides it, and this is the only place that does.

It walks the endpoints that have open deliveries (a skip scan over the index `delivery_open`), round from after the one
that was served last, so that everybody has a turn. From each that is enabled and has room it takes the deliveries that
are due, no more than fit, and postpones them to the end of a lease. If the claimer dies, they are simply due again
then. `claim` grows with it; whoever settles must name it.

An endpoint with a pace (`max_per_second`) or a circuit that is not closed has a gate, in its row: who claims locks it,
sees how many may pass, and notes how many did. Who finds it locked leaves that endpoint to the other. What waits at a
gate is not touched, so that it loses no attempt and keeps its order; what is sent by hand goes past it.

A delivery whose claims are not settled, again and again, may be what kills the workers that hold it. From the second
lost claim on it is a suspect, which only `claim_due(suspects=True)` takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

_OPEN = "status IN ('pending', 'failed')"
SUSPECT_FROM = 2  # claims in a row that nobody settled
_TRUSTED = f"{_OPEN} AND unsettled_claims < {SUSPECT_FROM}"
_SUSPECTED = f"{_OPEN} AND unsettled_claims >= {SUSPECT_FROM}"

# How many may pass an endpoint's gate now; none when somebody else is at it. A pace is a theoretical arrival time (the
# GCRA of ATM): `paced_until` moves on by 1 / max_per_second with each that passes, and lags behind by BURST at most.
BURST = 0.1  # seconds; longer than the engine's pause while something waits at a gate
_ROOM = "coalesce((%(rooms)s::jsonb ->> {place}.id::text)::int, %(room)s)"
_TAKES = """{place}.state = 'enabled' AND {place}.deleted_at IS NULL
    AND {place}.organization_id <> ALL (%(crowded)s::uuid[])"""
_GATED = "(max_per_second > 0 OR circuit <> 'closed')"
_GATE = f"""
    SELECT least(
        {_ROOM.format(place="gate")},
        CASE WHEN circuit <> 'closed' THEN (probe_at <= now())::int END,
        CASE WHEN paced_until > now() THEN 0 ELSE 1 + floor(max_per_second * extract(epoch FROM
            now() - greatest(paced_until, now() - {BURST} * interval '1 second')))::int END
    )
    FROM deliveries_endpoint AS gate WHERE id = walk.endpoint_id
    FOR NO KEY UPDATE SKIP LOCKED
"""


def _leg(name: str, *, waiting: str, start: str) -> str:
    """One leg of the walk: the next endpoint with deliveries that are waiting, again and again."""
    return f"""
        (SELECT endpoint_id FROM deliveries_delivery WHERE {waiting} AND {start} ORDER BY endpoint_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT endpoint_id FROM deliveries_delivery
            WHERE {waiting} AND endpoint_id > {name}.endpoint_id ORDER BY endpoint_id LIMIT 1
        )
        FROM {name} WHERE {name}.endpoint_id IS NOT NULL
    """


def _claim_of(wanted: str, *, walk: str) -> str:
    """The statement that claims what is `wanted`, at the endpoints that have some of `walk`."""
    return f"""
WITH RECURSIVE onward AS ({_leg("onward", waiting=walk, start="endpoint_id > %(start)s")}),
round AS ({_leg("round", waiting=walk, start="endpoint_id <= %(start)s")}),
walk AS (
    SELECT endpoint_id FROM onward WHERE endpoint_id IS NOT NULL
    UNION ALL
    SELECT endpoint_id FROM round WHERE endpoint_id <= %(start)s
),
hand AS ({_leg("hand", waiting=f"{wanted} AND (manual OR test)", start="true")}),
by_hand AS MATERIALIZED (
    -- Beyond the LIMIT of the walk: with one that the planner can't foresee, the walk took four times as long.
    SELECT due.id, due.manual, place.url, place.revision, place.probed, place.send_traceparent
    FROM hand
    CROSS JOIN LATERAL (
        SELECT id, url, revision, send_traceparent, circuit <> 'closed' AS probed FROM deliveries_endpoint AS place
        WHERE id = hand.endpoint_id AND {_GATED} AND {_TAKES.format(place="place")}
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED -- never waited for: who deletes it waits for these deliveries
    ) AS place
    CROSS JOIN LATERAL (
        SELECT id, manual FROM deliveries_delivery
        WHERE endpoint_id = place.id AND {wanted} AND (manual OR test) AND next_attempt_at <= now()
        LIMIT {_ROOM.format(place="place")}
        FOR UPDATE SKIP LOCKED
    ) AS due
    LIMIT %(most)s
),
picked AS MATERIALIZED (
    -- LATERAL and LIMIT keep the planner from turning the round into a join, which has no order and reads everything.
    SELECT due.id, due.manual, place.url, place.revision, place.probed, place.send_traceparent
    FROM walk
    CROSS JOIN LATERAL (
        SELECT url, revision, send_traceparent, circuit <> 'closed' AS probed, CASE
            WHEN circuit = 'closed' AND max_per_second IS NULL THEN {_ROOM.format(place="place")}
            WHEN greatest(probe_at, paced_until) > now() THEN 0 -- as far as one sees without locking it
            ELSE coalesce(({_GATE}), 0) END AS room
        FROM deliveries_endpoint AS place
        WHERE id = walk.endpoint_id AND {_TAKES.format(place="place")}
        LIMIT 1
    ) AS place
    CROSS JOIN LATERAL (
        SELECT id, manual FROM deliveries_delivery
        WHERE endpoint_id = walk.endpoint_id AND {wanted} AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT place.room
        FOR UPDATE SKIP LOCKED
    ) AS due
    LIMIT %(most)s
),
claimed AS (
    UPDATE deliveries_delivery AS delivery
    SET claim = claim + 1, unsettled_claims = unsettled_claims + 1, manual = false,
        next_attempt_at = now() + %(lease)s * interval '1 second',
        claimed_until = now() + %(lease)s * interval '1 second'
    FROM (
        SELECT * FROM by_hand
        UNION ALL
        SELECT * FROM picked
    ) AS picked
    WHERE delivery.id = picked.id
        -- Said again, so that no plan reads all deliveries for it, however few there were when it was made.
        AND delivery.id = ANY (ARRAY(SELECT id FROM by_hand UNION ALL SELECT id FROM picked))
    RETURNING delivery.*, picked.manual AS by_hand, picked.url, picked.revision, picked.probed,
        picked.send_traceparent
),
passed AS (
    UPDATE deliveries_endpoint AS endpoint
    SET paced_until = greatest(paced_until, now() - {BURST} * interval '1 second')
            + number * interval '1 second' / max_per_second,
        circuit = CASE WHEN circuit = 'closed' THEN circuit ELSE 'half_open' END,
        probe_at = CASE WHEN circuit = 'closed' THEN NULL ELSE now() + %(lease)s * interval '1 second' END
    FROM (SELECT endpoint_id, count(*) AS number FROM claimed GROUP BY endpoint_id) AS through
    WHERE endpoint.id = through.endpoint_id AND (max_per_second IS NOT NULL OR circuit <> 'closed')
)
SELECT claimed.id::text, claimed.organization_id::text, claimed.event_id::text, claimed.endpoint_id::text,
    claimed.event_type, claimed.claim, claimed.unsettled_claims - 1 AS lost_claims, claimed.attempts, claimed.test,
    claimed.by_hand AS manual, claimed.url, claimed.revision, claimed.probed, claimed.send_traceparent,
    event.payload::text AS payload, event.traceparent, event.created_at AS event_created_at,
    clock_timestamp() AS claimed_at
FROM claimed
CROSS JOIN LATERAL (
    SELECT payload, traceparent, created_at FROM events_event WHERE id = claimed.event_id LIMIT 1
) AS event
"""


# The walk over what is trusted looks at all that is open: so it finds its way by the index of that.
CLAIM = _claim_of(_TRUSTED, walk=_OPEN)
CLAIM_SUSPECTS = _claim_of(_SUSPECTED, walk=_SUSPECTED)

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
    lost_claims: int  # in a row before this one: whoever held them did not come back
    attempts: int
    test: bool
    manual: bool
    url: str
    revision: int
    probed: bool
    payload: str
    event_created_at: datetime
    claimed_at: datetime
    traceparent: str | None = None  # the event's
    send_traceparent: bool = False


async def claim_due(
    connection: psycopg.AsyncConnection[Any],
    *,
    most: int,
    room: int,
    rooms: Mapping[str, int],
    lease: float,
    start: str,
    crowded: Sequence[str] = (),
    suspects: bool = False,
) -> list[Claimed]:
    """At most `most` due deliveries, and as many sent by hand past a gate, now ours for `lease` seconds.

    `rooms` says how many more an endpoint may get; any other gets up to `room`. The walk begins after `start` and
    passes over the endpoints of `crowded` organizations. With `suspects` it takes those, and nothing else.
    """
    async with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(
            (CLAIM_SUSPECTS if suspects else CLAIM).encode(),
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


_NEXT_OPENING = f"""
SELECT extract(epoch FROM min(greatest(paced_until, probe_at)) - clock_timestamp())::float8
FROM deliveries_endpoint AS endpoint
WHERE {_GATED} AND state = 'enabled' AND deleted_at IS NULL AND EXISTS (
    SELECT FROM deliveries_delivery WHERE endpoint_id = endpoint.id AND {_OPEN} AND next_attempt_at <= now()
)
"""


async def next_opening(connection: psycopg.AsyncConnection[Any]) -> float | None:
    """In how many seconds the first gate opens at which something waits; None when nothing waits at any."""
    row = await (await connection.execute(_NEXT_OPENING.encode(), prepare=True)).fetchone()
    return None if row is None else row[0]


def last_served(claimed: list[Claimed], *, start: str) -> str:
    """The endpoint at which a walk that began after `start` came to its end: where the next one goes on."""
    return max(
        (delivery.endpoint_id for delivery in claimed), key=lambda id_: (id_ <= start, id_), default=start
    )

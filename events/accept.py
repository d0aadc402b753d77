"""Accepting events: dedup key, event and deliveries in one statement, which is one transaction.

What is returned as accepted is committed, unless the caller opened a transaction of its own.
"""

import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DataError, connection, transaction

from events.errors import DuplicateEvent, NoEndpoint
from events.incoming import IncomingEvent
from events.metrics import events_accepted, events_duplicate
from events.models import OnceKey
from organizations.errors import InvalidBody
from organizations.models import Organization, new_id
from organizations.sql import run


class FanOut(NamedTuple):
    """The part of the statement that belongs to deliveries (`deliveries/fan_out.py`), which this module can't know.

    `reachable`: an SQL condition, whether the organization takes events at all. `insert`: the INSERT that makes the
    deliveries of the rows of `accepted (id, type, created_at)`. Both may use `%(organization)s`.
    """

    reachable: str
    insert: str


@dataclass(frozen=True)
class Accepted:
    id: uuid.UUID
    type: str
    dedup_id: str | None
    created_at: datetime


STATEMENT = """
WITH incoming AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(types)s::text[], %(payloads)s::text[], %(dedup_ids)s::text[])
        AS one (id, type, payload, dedup_id)
), door AS (
    SELECT ({reachable}) AS open
), held AS (
    -- In the order of the keys, so that two batches with the same ones wait for each other and never in a circle.
    INSERT INTO events_oncekey AS known (organization_id, kind, key, event_id, expires_at)
    SELECT %(organization)s, 'dedup', dedup_id, id, now() + interval '24 hours'
    FROM incoming, door WHERE door.open AND dedup_id IS NOT NULL ORDER BY dedup_id
    ON CONFLICT (organization_id, kind, key) DO UPDATE
        SET event_id = EXCLUDED.event_id, expires_at = EXCLUDED.expires_at
        WHERE known.expires_at <= now()
    RETURNING event_id
), accepted AS (
    INSERT INTO events_event (id, organization_id, type, payload, dedup_id, created_at)
    SELECT id, %(organization)s, type, payload::jsonb, dedup_id, now()
    FROM incoming, door
    WHERE door.open AND (dedup_id IS NULL OR id IN (SELECT event_id FROM held))
    RETURNING id, type, created_at
), fanned_out AS ({insert})
SELECT door.open, accepted.id, accepted.created_at FROM door LEFT JOIN accepted ON true
"""


def accept_event(organization: Organization, event: IncomingEvent, *, fan_out: FanOut) -> Accepted:
    """Stores one event. Raises DuplicateEvent, NoEndpoint or InvalidBody, and has then stored nothing."""
    result = accept_events(organization, [event], fan_out=fan_out)[0]
    if isinstance(result, Exception):
        raise result
    return result


def accept_events(
    organization: Organization, events: Sequence[IncomingEvent], *, fan_out: FanOut
) -> list[Accepted | DuplicateEvent | InvalidBody]:
    """Stores those that can be, and says of each, in order, what became of it. NoEndpoint: none can be."""
    if not events:
        return []
    ids = [new_id() for _ in events]
    firsts = _first_holders(events, ids)
    fresh = [
        index
        for index, event in enumerate(events)
        if firsts.get(event.dedup_id or "", ids[index]) == ids[index]
    ]
    try:
        # Inside a transaction of the caller a refused statement must not end that; alone it needs none.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            stored = _store(
                organization,
                [events[index] for index in fresh],
                [ids[index] for index in fresh],
                fan_out,
            )
    except DataError:
        return _accept_one_by_one(organization, events, fan_out)
    return _outcomes(organization, events, ids, firsts, stored)


def _first_holders(events: Sequence[IncomingEvent], ids: Sequence[uuid.UUID]) -> dict[str, uuid.UUID]:
    """Within one batch, the first event with a dedup id holds it."""
    firsts: dict[str, uuid.UUID] = {}
    for event, event_id in zip(events, ids, strict=True):
        if event.dedup_id is not None:
            firsts.setdefault(event.dedup_id, event_id)
    return firsts


def _store(
    organization: Organization,
    events: Sequence[IncomingEvent],
    ids: Sequence[uuid.UUID],
    fan_out: FanOut,
) -> dict[uuid.UUID, datetime]:
    rows = run(
        STATEMENT.format(reachable=fan_out.reachable, insert=fan_out.insert),
        {
            "organization": organization.pk,
            "ids": list(ids),
            "types": [event.type for event in events],
            "payloads": [event.payload_text for event in events],
            "dedup_ids": [event.dedup_id for event in events],
        },
    )
    if not rows[0]["open"]:
        raise NoEndpoint("The organization has no webhook endpoint, and has not asked for the inbox only.")
    return {row["id"]: row["created_at"] for row in rows if row["id"]}


def _accept_one_by_one(
    organization: Organization, events: Sequence[IncomingEvent], fan_out: FanOut
) -> list[Accepted | DuplicateEvent | InvalidBody]:
    """PostgreSQL refused a payload, and with it the statement: the others must not suffer."""
    if len(events) == 1:
        return [InvalidBody([("#/payload", "This holds a value that the database can't store.")])]
    return [result for event in events for result in accept_events(organization, [event], fan_out=fan_out)]


def _outcomes(
    organization: Organization,
    events: Sequence[IncomingEvent],
    ids: Sequence[uuid.UUID],
    firsts: dict[str, uuid.UUID],
    stored: dict[uuid.UUID, datetime],
) -> list[Accepted | DuplicateEvent | InvalidBody]:
    refused = [
        event.dedup_id
        for event, event_id in zip(events, ids, strict=True)
        if event_id not in stored and event.dedup_id is not None
    ]
    holders = {**firsts, **_holders(organization, refused)}
    outcomes: list[Accepted | DuplicateEvent | InvalidBody] = []
    for event, event_id in zip(events, ids, strict=True):
        if event_id in stored:
            outcomes.append(Accepted(event_id, event.type, event.dedup_id, stored[event_id]))
        else:
            outcomes.append(DuplicateEvent(holders[event.dedup_id or ""]))
    events_accepted.labels(organization.tier).inc(len(stored))
    events_duplicate.inc(len(events) - len(stored))
    return outcomes


def _holders(organization: Organization, keys: Sequence[str | None]) -> dict[str, uuid.UUID]:
    if not keys:
        return {}
    found: Any = OnceKey.objects.filter(organization=organization, kind=OnceKey.Kind.DEDUP, key__in=keys)
    return dict(found.values_list("key", "event_id"))

"""Accepting events: dedup keys, events and deliveries in one statement, which is one transaction, for those of many
organizations at once.

What is returned as accepted is committed, unless the caller opened a transaction of its own.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import DataError, connection, transaction
from uuid_utils import (
    UUID,
    uuid7,
)  # ten times as fast as Python's; what is stored and compared are their bytes

from events.errors import DuplicateEvent, NoEndpoint
from events.incoming import IncomingEvent
from events.metrics import events_accepted, events_duplicate, tenant_events_accepted
from organizations.arrays import sixteens, text_array, uuid_array
from organizations.errors import InvalidBody
from organizations.models import Organization
from organizations.sql import run, run_for_tuples


class FanOut(NamedTuple):
    """The part of the statement that belongs to deliveries (`deliveries/fan_out.py`), which this module can't know.

    `reachable`: an SQL condition on the row `organization`, whether it takes events at all. `wanted`: one on the row
    `welcome (organization_id, type)`, whether there will be a delivery of it. `insert`: the INSERT that makes the
    deliveries of the rows of `accepted (id, organization_id, type)`.
    """

    reachable: str
    wanted: str
    insert: str


class Posted(NamedTuple):
    """An event, whose it is, and the span that it was accepted in, or that it was sent from."""

    organization: Organization
    event: IncomingEvent
    traceparent: str | None = None


class Accepted(NamedTuple):
    """`id`: a UUIDv7, as text."""

    id: str
    type: str
    dedup_id: str | None
    created_at: datetime


STATEMENT = """
WITH incoming AS (
    SELECT * FROM unnest(
        %(ids)b::uuid[], %(organizations)b::uuid[], %(types)b::text[], %(payloads)b::text[], %(dedup_ids)b::text[],
        %(traceparents)b::text[]
    ) AS one (id, organization_id, type, payload, dedup_id, traceparent)
), door AS MATERIALIZED (
    SELECT organization.id AS organization_id FROM organizations_organization AS organization
    WHERE organization.id = ANY (%(organizations)b::uuid[]) AND ({reachable})
), welcome AS MATERIALIZED (
    SELECT incoming.* FROM incoming JOIN door USING (organization_id)
), held AS (
    -- In the order of the keys, so that two statements with the same ones wait for each other and never in a circle.
    INSERT INTO events_oncekey AS known (organization_id, kind, key, event_id, expires_at)
    SELECT organization_id, 'dedup', dedup_id, id, now() + interval '24 hours'
    FROM welcome WHERE dedup_id IS NOT NULL ORDER BY organization_id, dedup_id
    ON CONFLICT (organization_id, kind, key) DO UPDATE
        SET event_id = EXCLUDED.event_id, expires_at = EXCLUDED.expires_at
        WHERE known.expires_at <= now()
    RETURNING event_id
), accepted AS (
    INSERT INTO events_event (id, organization_id, type, payload, dedup_id, created_at, unwanted, traceparent)
    SELECT id, organization_id, type, payload::jsonb, dedup_id, now(), NOT ({wanted}), traceparent
    FROM welcome WHERE dedup_id IS NULL OR id IN (SELECT event_id FROM held)
    RETURNING id, organization_id, type
), fanned_out AS ({insert})
SELECT
    (SELECT string_agg(uuid_send(organization_id), ''::bytea) FROM door) AS open,
    (SELECT string_agg(uuid_send(id), ''::bytea) FROM accepted) AS stored,
    now() AS created_at
"""

Outcome = Accepted | DuplicateEvent | NoEndpoint | InvalidBody


def accept_event(
    organization: Organization, event: IncomingEvent, *, fan_out: FanOut, traceparent: str | None = None
) -> Accepted:
    """Stores one event. Raises DuplicateEvent, NoEndpoint or InvalidBody, and has then stored nothing."""
    outcome = accept_all([Posted(organization, event, traceparent)], fan_out=fan_out)[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def accept_all(posted: Sequence[Posted], *, fan_out: FanOut) -> list[Outcome]:
    """Stores those that can be, of however many organizations, and says of each, in order, what became of it."""
    if not posted:
        return []
    ids = [uuid7() for _ in posted]
    fresh, holders = _first_of_each(posted, ids)
    try:
        # Inside a transaction of the caller a refused statement must not end that; alone it needs none.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            stored = _store(fresh, fan_out)
    except DataError:
        return _accept_by_halves(posted, fan_out)
    outcomes = _outcomes(posted, ids, holders, stored)
    _count(posted, outcomes)
    return outcomes


# An organization's id as a number, whose hash costs less than a UUID's; a dedup id.
_Held = tuple[int, str | None]


class _Stored(NamedTuple):
    """What the statement found open, and which events it stored: the 16 bytes of their ids. Its time."""

    organizations: set[bytes]
    events: set[bytes]
    at: datetime


def _held(one: Posted) -> _Held:
    """What this event holds for 24 hours once it is accepted, if it has a dedup id."""
    return one.organization.id.int, one.event.dedup_id


def _first_of_each(
    posted: Sequence[Posted], ids: Sequence[UUID]
) -> tuple[list[tuple[Posted, UUID]], dict[_Held, UUID]]:
    """Of those that come together with one dedup id, the first holds it: without the others, and who holds what."""
    fresh: list[tuple[Posted, UUID]] = []
    holders: dict[_Held, UUID] = {}
    for one, event_id in zip(posted, ids, strict=True):
        if one.event.dedup_id is None or holders.setdefault(_held(one), event_id) is event_id:
            fresh.append((one, event_id))
    return fresh, holders


def _store(fresh: Sequence[tuple[Posted, UUID]], fan_out: FanOut) -> _Stored:
    events = [one.event for one, _ in fresh]
    rows = run_for_tuples(
        STATEMENT.format(**fan_out._asdict()),
        {
            "ids": uuid_array([event_id.bytes for _, event_id in fresh]),
            "organizations": uuid_array([one.organization.id.int.to_bytes(16) for one, _ in fresh]),
            "types": text_array([event.type.encode() for event in events]),
            "payloads": text_array([event.payload_bytes for event in events]),
            "dedup_ids": text_array([_encoded(event.dedup_id) for event in events]),
            "traceparents": text_array([_encoded(one.traceparent) for one, _ in fresh]),
        },
    )
    organizations, stored, at = rows[0]
    return _Stored(set(sixteens(organizations)), set(sixteens(stored)), at)


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _accept_by_halves(posted: Sequence[Posted], fan_out: FanOut) -> list[Outcome]:
    """PostgreSQL refused a payload, and with it the statement: the others must not suffer."""
    if len(posted) == 1:
        return [InvalidBody([("#/payload", "This holds a value that the database can't store.")])]
    middle = len(posted) // 2
    return accept_all(posted[:middle], fan_out=fan_out) + accept_all(posted[middle:], fan_out=fan_out)


def _outcomes(
    posted: Sequence[Posted], ids: Sequence[UUID], holders: dict[_Held, UUID], stored: _Stored
) -> list[Outcome]:
    if len(stored.events) == len(posted):
        return [
            Accepted(str(event_id), one.event.type, one.event.dedup_id, stored.at)
            for one, event_id in zip(posted, ids, strict=True)
        ]
    left = [one for one, event_id in zip(posted, ids, strict=True) if event_id.bytes not in stored.events]
    known = holders | _holders([one for one in left if one.organization.id.bytes in stored.organizations])
    outcomes: list[Outcome] = []
    for one, event_id in zip(posted, ids, strict=True):
        if event_id.bytes in stored.events:
            outcomes.append(Accepted(str(event_id), one.event.type, one.event.dedup_id, stored.at))
        elif one.organization.id.bytes in stored.organizations:
            outcomes.append(DuplicateEvent(str(known[_held(one)])))
        else:
            outcomes.append(NoEndpoint(_NO_ENDPOINT))
    return outcomes


_NO_ENDPOINT = "The organization has no webhook endpoint, and has not asked for the inbox only."


def _holders(refused: Sequence[Posted]) -> dict[_Held, uuid.UUID]:
    """Who holds what these asked for. Each is there: it was in the way just now, and what expires is removed much
    later."""
    if not refused:
        return {}
    rows = run(
        """
        SELECT organization_id, key, event_id FROM events_oncekey
        JOIN unnest(%(organizations)s::uuid[], %(keys)s::text[]) AS wanted (organization_id, key)
            USING (organization_id, key)
        WHERE kind = 'dedup'
        """,
        {
            "organizations": [one.organization.id for one in refused],
            "keys": [one.event.dedup_id for one in refused],
        },
    )
    return {(row["organization_id"].int, row["key"]): row["event_id"] for row in rows}


def _count(posted: Sequence[Posted], outcomes: Sequence[Outcome]) -> None:
    accepted = [
        one.organization
        for one, outcome in zip(posted, outcomes, strict=True)
        if isinstance(outcome, Accepted)
    ]
    for tier, number in Counter([organization.tier for organization in accepted]).items():
        events_accepted.labels(tier).inc(number)
    if settings.METRICS_BY_TENANT:
        for organization in accepted:
            tenant_events_accepted.labels(organization.pk).inc()
    if len(accepted) < len(outcomes):
        events_duplicate.inc(sum(isinstance(outcome, DuplicateEvent) for outcome in outcomes))

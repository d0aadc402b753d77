"""Accepting events: dedup keys, events and deliveries in one statement, which is one transaction, for those of many
organizations at once.

What is returned as accepted is committed, unless the caller opened a transaction of its own.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import DataError, connection, transaction

from events.errors import DuplicateEvent, NoEndpoint
from events.incoming import IncomingEvent
from events.metrics import events_accepted, events_duplicate, tenant_events_accepted
from organizations.errors import InvalidBody
from organizations.models import Organization, new_id
from organizations.sql import run, run_for_tuples


class FanOut(NamedTuple):
    """The part of the statement that belongs to deliveries (`deliveries/fan_out.py`), which this module can't know.

    `reachable`: an SQL condition on the row `organization`, whether it takes events at all. `wanted`: one on the row
    `welcome (organization_id, type)`, whether there will be a delivery of it. `insert`: the INSERT that makes the
    deliveries of the rows of `accepted (id, organization_id, type, created_at)`.
    """

    reachable: str
    wanted: str
    insert: str


class Posted(NamedTuple):
    """An event, whose it is, and the span that it was accepted in, or that it was sent from."""

    organization: Organization
    event: IncomingEvent
    traceparent: str | None = None


@dataclass(frozen=True)
class Accepted:
    id: uuid.UUID
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
    RETURNING id, organization_id, type, created_at
), fanned_out AS ({insert})
SELECT organization_id, NULL::uuid AS id, NULL::timestamptz AS created_at FROM door
UNION ALL SELECT organization_id, id, created_at FROM accepted
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


def accept_events(
    organization: Organization,
    events: Sequence[IncomingEvent],
    *,
    fan_out: FanOut,
    traceparent: str | None = None,
) -> list[Accepted | DuplicateEvent | InvalidBody]:
    """Stores those that can be, and says of each, in order, what became of it. NoEndpoint: none can be."""
    told: list[Accepted | DuplicateEvent | InvalidBody] = []
    posted = [Posted(organization, event, traceparent) for event in events]
    for outcome in accept_all(posted, fan_out=fan_out):
        if isinstance(outcome, NoEndpoint):
            raise outcome
        told.append(outcome)
    return told


def accept_all(posted: Sequence[Posted], *, fan_out: FanOut) -> list[Outcome]:
    """Stores those that can be, of however many organizations, and says of each, in order, what became of it."""
    if not posted:
        return []
    ids = [new_id() for _ in posted]
    firsts = _first_holders(posted, ids)
    fresh = [index for index, one in enumerate(posted) if firsts.get(_held(one), ids[index]) == ids[index]]
    try:
        # Inside a transaction of the caller a refused statement must not end that; alone it needs none.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            stored = _store([posted[index] for index in fresh], [ids[index] for index in fresh], fan_out)
    except DataError:
        return _accept_by_halves(posted, fan_out)
    return _outcomes(posted, ids, firsts, stored)


_Holder = tuple[uuid.UUID, str]


class _Stored(NamedTuple):
    open: set[uuid.UUID]
    created_at: dict[uuid.UUID, datetime]


def _held(one: Posted) -> _Holder | None:
    """What this event holds for 24 hours once it is accepted."""
    return None if one.event.dedup_id is None else (one.organization.pk, one.event.dedup_id)


def _first_holders(posted: Sequence[Posted], ids: Sequence[uuid.UUID]) -> dict[_Holder | None, uuid.UUID]:
    """Of those that come together, the first with a dedup id holds it."""
    firsts: dict[_Holder | None, uuid.UUID] = {}
    for one, event_id in zip(posted, ids, strict=True):
        if one.event.dedup_id is not None:
            firsts.setdefault(_held(one), event_id)
    return firsts


def _store(posted: Sequence[Posted], ids: Sequence[uuid.UUID], fan_out: FanOut) -> _Stored:
    rows = run_for_tuples(
        STATEMENT.format(**fan_out._asdict()),
        {
            "ids": list(ids),
            "organizations": [one.organization.pk for one in posted],
            "types": [one.event.type for one in posted],
            "payloads": [one.event.payload_text for one in posted],
            "dedup_ids": [one.event.dedup_id for one in posted],
            "traceparents": [one.traceparent for one in posted],
        },
    )
    return _Stored(
        {organization_id for organization_id, event_id, _ in rows if event_id is None},
        {event_id: created_at for _, event_id, created_at in rows if event_id is not None},
    )


def _accept_by_halves(posted: Sequence[Posted], fan_out: FanOut) -> list[Outcome]:
    """PostgreSQL refused a payload, and with it the statement: the others must not suffer."""
    if len(posted) == 1:
        return [InvalidBody([("#/payload", "This holds a value that the database can't store.")])]
    middle = len(posted) // 2
    return accept_all(posted[:middle], fan_out=fan_out) + accept_all(posted[middle:], fan_out=fan_out)


def _outcomes(
    posted: Sequence[Posted],
    ids: Sequence[uuid.UUID],
    firsts: dict[_Holder | None, uuid.UUID],
    stored: _Stored,
) -> list[Outcome]:
    taken = [
        held
        for one, event_id in zip(posted, ids, strict=True)
        if event_id not in stored.created_at and (held := _held(one)) and held[0] in stored.open
    ]
    holders = {**firsts, **_holders(taken)}
    outcomes: list[Outcome] = []
    for one, event_id in zip(posted, ids, strict=True):
        created_at = stored.created_at.get(event_id)
        if created_at is not None:
            outcomes.append(Accepted(event_id, one.event.type, one.event.dedup_id, created_at))
        elif one.organization.pk not in stored.open:
            outcomes.append(NoEndpoint(_NO_ENDPOINT))
        else:
            outcomes.append(DuplicateEvent(holders[_held(one)]))
    _count(posted, outcomes)
    return outcomes


_NO_ENDPOINT = "The organization has no webhook endpoint, and has not asked for the inbox only."


def _holders(taken: Sequence[_Holder]) -> dict[_Holder | None, uuid.UUID]:
    """By whom these are held. Each is there: it was in the way just now, and what expires is removed much later."""
    if not taken:
        return {}
    rows = run(
        """
        SELECT organization_id, key, event_id FROM events_oncekey
        JOIN unnest(%(organizations)s::uuid[], %(keys)s::text[]) AS wanted (organization_id, key)
            USING (organization_id, key)
        WHERE kind = 'dedup'
        """,
        {"organizations": [organization for organization, _ in taken], "keys": [key for _, key in taken]},
    )
    return {(row["organization_id"], row["key"]): row["event_id"] for row in rows}


def _count(posted: Sequence[Posted], outcomes: Sequence[Outcome]) -> None:
    tiers = Counter(
        one.organization.tier
        for one, outcome in zip(posted, outcomes, strict=True)
        if isinstance(outcome, Accepted)
    )
    for tier, number in tiers.items():
        events_accepted.labels(tier).inc(number)
    if settings.METRICS_BY_TENANT:
        for one, outcome in zip(posted, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                tenant_events_accepted.labels(one.organization.pk).inc()
    if duplicates := sum(isinstance(outcome, DuplicateEvent) for outcome in outcomes):
        events_duplicate.inc(duplicates)

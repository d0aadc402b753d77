"""Erasing a tenant: everything that names it or came from it, in parts that can be interrupted and gone on with.

First nothing new may come in: keys are revoked, endpoints disabled. Rows go before what they hang on, the tenant itself
last, so that whoever is interrupted finds the tenant still there, and goes on by beginning anew. What staff did to it
stays in the audit log, without a name, a URL or any value.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from deliveries.models import Attempt, Delivery, Endpoint, EndpointSecret, Replay
from deliveries.picked import Pick, StaffReplay
from deliveries.traffic import Traffic
from events.arrivals import Arrivals
from events.models import Event, OnceKey
from organizations.audit import Actor, entry, type_of
from organizations.deadlocks import again_after_deadlock
from organizations.models import ApiKey, AuditEntry, Organization
from organizations.sql import run

PART = 1_000
REASON = "The tenant is being erased."
ERASED = "(erased)"
BEFORE_A_NAME = ["tenant: ", "endpoint: ", "search: ", " of ", " for ", " to ", "tenant=", "q="]

Parts = Iterator[tuple[str, int]]

_ONCE_KEYS = """
WITH gone AS (
    DELETE FROM events_oncekey WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM events_oncekey WHERE organization_id = %(organization)s LIMIT %(most)s
    )) RETURNING 1
)
SELECT count(*)::int AS number FROM gone
"""
# What staff once picked is told in words of the admin's filters, or of a command.
_TOLD = """
SELECT id FROM deliveries_staffreplay
WHERE EXISTS (
    SELECT FROM unnest(%(ids)s::text[]) AS id WHERE position(id in which) > 0
) OR EXISTS (
    -- A whole word of it, as they are written: `tenant: Acme; …`, `… of Acme, …`. A name may be a part of anything.
    SELECT FROM unnest(%(names)s::text[]) AS name, unnest(%(before)s::text[]) AS before
    WHERE position(before || name || ';' in which || ';') > 0 OR position(before || name || ',' in which || ',') > 0
)
"""
# Whatever tables there are, by the column: also those that somebody adds one day.
_NAMING = """
SELECT relname AS name, attname AS column FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND atttypid = 'uuid'::regtype
AND attname IN ('organization_id', 'about') AND NOT attisdropped
ORDER BY relname, attname
"""


def inventory(organization: Organization) -> dict[str, int]:
    """What would go, and how many of each; audit entries stay, without their words."""
    return {name: rows.count() for name, rows in _belongings(organization).items()}


def close(organization: Organization, *, actor: Actor) -> None:
    """Nothing new comes in, and nothing goes out any more. The second time it changes nothing."""
    with transaction.atomic():
        Organization.objects.select_for_update().filter(pk=organization.pk).first()
        revoked = ApiKey.objects.of(organization).filter(revoked_at__isnull=True).update(revoked_at=Now())
        disabled = Endpoint.objects.of(organization).disable(REASON)
        # Nobody is to be told: that would be an event of the tenant's.
        Endpoint.objects.of(organization).to_announce().update(announced_at=Now())
        Organization.objects.filter(pk=organization.pk).update(inbox_only=False)
        if revoked or disabled:
            _note(actor, "organization.closed", organization, {"keys": revoked, "endpoints": disabled})


def erase_parts(organization: Organization, *, quiet: float) -> Parts:
    """Removes everything but the tenant itself, a part at a time; yields what it was, and how many rows.

    `close` comes first. Before it removes what others may still write it waits until `quiet` seconds after it began:
    every process has noticed by then that the keys are gone, and has written the figures that it had in memory.
    """
    began = time.monotonic()
    yield from _in_parts(lambda: _remove_events(organization))
    yield from _in_parts(lambda: _remove_deliveries_without_event(organization))
    yield from _in_parts(lambda: [("once keys", _once_keys(organization))])
    while (left := began + quiet - time.monotonic()) > 0:
        yield "waiting", 0
        time.sleep(min(left, 0.5))
    # An event that was on its way when the keys were revoked.
    yield from _in_parts(lambda: _remove_events(organization))
    yield from _in_parts(lambda: [("once keys", _once_keys(organization))])
    yield from _remove_the_rest(organization)


def finish(organization: Organization, removed: dict[str, int], *, actor: Actor) -> None:
    """The tenant itself goes, and an entry without its name says so."""
    with transaction.atomic():
        _silence(AuditEntry.objects.about(organization))
        _note(actor, "organization.erased", organization, removed)
        Organization.objects.filter(pk=organization.pk)._raw_delete("default")


def left_of(organization_id: uuid.UUID) -> dict[str, int]:
    """What still names the tenant, asked of every table that has a column for it. Empty when nothing does."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for table in run(_NAMING, {}):
            cursor.execute(
                f'SELECT count(*) FROM "{table["name"]}" WHERE "{table["column"]}" = %s', [organization_id]
            )
            if number := cursor.fetchone()[0]:
                found[table["name"]] = number
    if Organization.objects.filter(pk=organization_id).exists():
        found[Organization._meta.db_table] = 1
    return found


# --- Parts --------------------------------------------------------------------------------------------------------


def _in_parts(remove: Callable[[], list[tuple[str, int]]]) -> Parts:
    part = remove()
    while any(number for _, number in part):
        yield from part
        part = remove()


@again_after_deadlock
def _remove_events(organization: Organization) -> list[tuple[str, int]]:
    with transaction.atomic():
        ids = list(Event.objects.of(organization).order_by("pk").values_list("pk", flat=True)[:PART])
        part = _remove_deliveries(Delivery.objects.filter(event_id__in=ids))
        return [("events", _gone(Event.objects.filter(pk__in=ids))), *part]


@again_after_deadlock
def _remove_deliveries_without_event(organization: Organization) -> list[tuple[str, int]]:
    ids = list(Delivery.objects.of(organization).order_by("pk").values_list("pk", flat=True)[:PART])
    with transaction.atomic():
        return _remove_deliveries(Delivery.objects.filter(pk__in=ids))


def _remove_deliveries(deliveries: "QuerySet[Delivery]") -> list[tuple[str, int]]:
    """Whoever settles one of them at this moment comes before, and leaves an attempt; or comes too late."""
    ids = list(deliveries.select_for_update().order_by("pk").values_list("pk", flat=True))
    return [
        ("attempts", _gone(Attempt.objects.filter(delivery_id__in=ids))),
        ("picks", _picks(ids)),
        ("deliveries", _gone(Delivery.objects.filter(pk__in=ids))),
    ]


def _picks(ids: list[uuid.UUID]) -> int:
    """Only a running replay has some."""
    running = StaffReplay.objects.running().values_list("pk", flat=True)
    return sum(_gone(Pick.objects.filter(replay_id=replay, delivery_id__in=ids)) for replay in running)


def _once_keys(organization: Organization) -> int:
    return int(run(_ONCE_KEYS, {"organization": organization.pk, "most": PART})[0]["number"])


def _remove_the_rest(organization: Organization) -> Parts:
    """What is never much."""
    _silence_replays(organization)
    belongings = _belongings(organization)
    for name in ("figures", "arrivals", "replays", "secrets", "endpoints", "keys"):
        yield name, _gone(belongings[name])


def _gone(rows: "QuerySet[Any]") -> int:
    """Removes just these; what hangs on them went before. How many: of none that it knows of Django says None."""
    return rows._raw_delete("default") or 0


# --- What belongs to it -------------------------------------------------------------------------------------------


def _belongings(organization: Organization) -> "dict[str, QuerySet[Any]]":
    endpoints = Endpoint.objects.of(organization).order_by()
    return {
        "events": Event.objects.of(organization),
        "deliveries": Delivery.objects.of(organization),
        "attempts": Attempt.objects.filter(delivery__organization=organization),
        "once keys": OnceKey.objects.filter(organization=organization),
        "figures": Traffic.objects.filter(organization_id=organization.pk),
        "arrivals": Arrivals.objects.filter(organization_id=organization.pk),
        "replays": Replay.objects.of(organization),
        "secrets": EndpointSecret.objects.filter(endpoint__in=endpoints),
        "endpoints": endpoints,
        "keys": ApiKey.objects.of(organization),
        "audit entries": AuditEntry.objects.about(organization),
    }


# --- The audit log ------------------------------------------------------------------------------------------------


def _silence_replays(organization: Organization) -> None:
    """Those of staff that name it, or an endpoint of it, in what was picked. Endpoints must be there still."""
    endpoints = list(Endpoint.objects.of(organization))
    names = [organization.name, quote_plus(organization.name), *map(str, endpoints)]
    ids = [str(organization.pk), *(str(endpoint.pk) for endpoint in endpoints)]
    told = [row["id"] for row in run(_TOLD, {"names": names, "ids": ids, "before": BEFORE_A_NAME})]
    StaffReplay.objects.filter(pk__in=told).update(which=ERASED)
    _silence(
        AuditEntry.objects.filter(
            object_type=type_of(StaffReplay()), object_id__in=[str(replay_id) for replay_id in told]
        )
    )


def _silence(entries: "QuerySet[AuditEntry]") -> None:
    """That something was done, by whom and when stays; to whom and what goes."""
    entries.update(object_words=ERASED, before={}, after={}, organization=None)


def _note(actor: Actor, action: str, organization: Organization, after: dict[str, int]) -> None:
    """Without the name: the id says which it was to whoever knew it."""
    made = entry(actor, action, words=ERASED, after=after)
    made.object_type, made.object_id = type_of(organization), str(organization.pk)
    made.save(force_insert=True)

"""Rows of several tenants, so many and so varied that the planner does with them as it does with millions: written by
PostgreSQL itself, in a moment."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.test import Client

from deliveries.models import Delivery, Endpoint, Replay
from deliveries.picked import StaffReplay
from events.models import Event
from organizations.models import ApiKey, AuditEntry, Organization
from tests.calls import Caller
from tests.conftest import OUR_APPS
from tests.factories import SOMEWHERE, make_key, make_organization
from tests.staff import administrator

DAYS = 30
RARE_TYPE = "invoice.disputed"
BIG = (
    "events_event",
    "events_oncekey",
    "deliveries_delivery",
    "deliveries_attempt",
    "organizations_auditentry",
)


@dataclass
class Tenant:
    organization: Organization
    api: Caller


@dataclass
class Rows:
    """The last of acme's endpoints wants the rare type only; what `polling` gets it acknowledges, nearly."""

    acme: Tenant
    polling: Tenant
    tenants: list[Any]
    staff: Client
    every: int
    names: dict[str, str] = field(default_factory=dict)


def make_rows(*, tenants: int, every: int) -> Rows:
    """Tenants without events yet. One delivery of `every` will be a dead letter; those that failed, are pending or were
    canceled are a fifth as many each."""
    acme, polling = (_tenant(name) for name in ("acme", "polling"))
    others = [make_organization(name=f"tenant {n}") for n in range(tenants - 2)]
    Endpoint.objects.bulk_create(
        Endpoint(organization=tenant, url=f"{SOMEWHERE}/{tenant.name}")
        for tenant in (acme.organization, *others)
        for _ in range(3)
    )
    ids = [tenant.pk for tenant in (acme.organization, polling.organization, *others)]
    return Rows(acme, polling, ids, administrator(), every)


def _tenant(name: str) -> Tenant:
    organization = make_organization(name=name)
    return Tenant(organization, Caller(make_key(organization)))


def small_ones(rows: Rows, numbers: range) -> None:
    """Of what there are never many."""
    acme = rows.acme.organization
    Organization.objects.bulk_create(Organization(name=f"acme {n}") for n in numbers)
    Endpoint.objects.bulk_create(Endpoint(organization=acme, url=f"{SOMEWHERE}/acme/{n}") for n in numbers)
    ApiKey.objects.bulk_create(ApiKey(organization=acme, public_id=f"k{n}") for n in numbers)
    asked = {"as_of": "2026-01-01T00:00:00Z"}
    Replay.objects.bulk_create(Replay(organization=acme, status="dead_letter", **asked) for _ in numbers)
    StaffReplay.objects.bulk_create(StaffReplay(asked_by="ada", which="all", **asked) for _ in numbers)


def name_rows(rows: Rows) -> None:
    """What the addresses of `reads.py` name."""
    acme = rows.acme.organization
    event = Event.objects.of(acme).filter(deliveries__status="dead_letter").latest("pk")
    times = list(Event.objects.of(acme).order_by("created_at").values_list("created_at", flat=True))
    recently, long_ago = times[-min(20, len(times))], times[min(20, len(times) - 1)]
    rows.names = {
        "tenant": str(acme.pk),
        "event": str(event.pk),
        "dedup_id": str(event.dedup_id),
        "delivery": str(Delivery.objects.filter(event=event).latest("pk").pk),
        "endpoint": str(Endpoint.objects.of(acme).earliest("pk").pk),
        "rare_endpoint": str(Endpoint.objects.of(acme).order_by("pk")[2].pk),
        "entry": str(AuditEntry.objects.filter(organization=acme).latest("pk").pk),
        "recently": f"{recently:%Y-%m-%dT%H:%M:%SZ}",
        "long_ago": f"{long_ago:%Y-%m-%dT%H:%M:%SZ}",
        "a_day_later": f"{long_ago + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "recently_there": f"{recently:%Y-%m-%dT%H:%M}",
        "long_ago_there": f"{long_ago:%Y-%m-%dT%H:%M}",
        "page": "9" if len(times) > 1_000 else "1",
    }


def id_at(moment: str, number: str) -> str:
    """A UUIDv7 of that moment, as SQL."""
    milliseconds = f"lpad(to_hex((extract(epoch FROM {moment}) * 1000)::bigint), 12, '0')"
    return f"({milliseconds} || '70008' || lpad(to_hex(({number})::bigint), 15, '0'))::uuid"


# Whose row n is: the first tenants have most.
_TENANT = """
    (%(organizations)s::uuid[])
        [1 + floor(cardinality(%(organizations)s::uuid[]) * power((n %% 1000 * 7919 %% 1000) / 1000.0, 2))]
"""

# Event n of `total` came in at its part of the last DAYS. Few have a rare type.
_EVENTS = f"""
INSERT INTO events_event (id, organization_id, type, payload, dedup_id, created_at, acknowledged_at, unwanted)
SELECT {id_at("at", "n")}, organization,
    CASE WHEN n %% 499 = 0 THEN '{RARE_TYPE}' ELSE (array['order.created', 'order.paid', 'order.sent'])[1 + n %% 3]
    END,
    jsonb_build_object('order', n, 'customer', n %% 1000), 'order-' || n, at,
    CASE WHEN organization = %(polling)s AND n %% 500 <> 250 OR n %% 97 = 0 THEN at END, organization = %(polling)s
FROM (
    SELECT n, now() - interval '{DAYS} days' * (%(total)s - n) / %(total)s AS at,
        {_TENANT} AS organization
    FROM generate_series(%(first)s, %(last)s) AS n
) AS event
"""

# One for each endpoint that wants it; most were delivered. Written as time goes by, whatever way the planner takes:
# how well a column is correlated with the place of its rows decides which index is worth it.
_DELIVERIES = f"""
INSERT INTO deliveries_delivery (
    id, organization_id, event_id, endpoint_id, event_type, status, attempts, claim, unsettled_claims, next_attempt_at,
    manual, test, last_status_code, last_error, created_at, settled_at, acknowledged
)
SELECT {id_at("created_at", "n * 10 + place")}, organization_id, event_id, endpoint_id, type, status, 1, 1, 0,
    CASE WHEN status IN ('pending', 'failed') THEN now() + interval '1 hour' END, false, false,
    CASE status WHEN 'delivered' THEN 200 WHEN 'canceled' THEN NULL ELSE 503 END, '', created_at,
    CASE WHEN status NOT IN ('pending', 'failed') THEN created_at + interval '1 minute' END,
    status = 'dead_letter' AND acknowledged_at IS NOT NULL
FROM (
    SELECT event.id AS event_id, event.organization_id, event.type, event.created_at, event.acknowledged_at,
        endpoint.id AS endpoint_id,
        place, n, CASE WHEN n %% %(every)s = 0 THEN 'dead_letter' ELSE
            coalesce((array['failed', 'canceled', 'pending'])[n %% (5 * %(every)s)], 'delivered') END AS status
    FROM events_event AS event
    JOIN (
        SELECT id, organization_id, row_number() OVER (PARTITION BY organization_id ORDER BY id) AS place,
            count(*) OVER (PARTITION BY organization_id) AS places
        FROM deliveries_endpoint
    ) AS endpoint ON endpoint.organization_id = event.organization_id
    CROSS JOIN LATERAL (SELECT (event.payload ->> 'order')::int AS n) AS number
    WHERE n BETWEEN %(first)s AND %(last)s AND (place < places OR places = 1 OR event.type = '{RARE_TYPE}')
) AS delivery
ORDER BY n, place
"""

_ATTEMPTS = """
INSERT INTO deliveries_attempt (
    delivery_id, number, started_at, duration_ms, outcome, status_code, error, response_headers, response_body,
    next_attempt_at, manual
)
SELECT id, 1, created_at, 20, CASE WHEN status = 'delivered' THEN 'delivered' ELSE 'rejected' END, last_status_code, '',
    '{}', '', NULL, false
FROM deliveries_delivery WHERE last_status_code IS NOT NULL ORDER BY id
ON CONFLICT DO NOTHING
"""

_ONCE_KEYS = """
INSERT INTO events_oncekey (organization_id, kind, key, event_id, fingerprint, expires_at)
SELECT organization_id, 'dedup', dedup_id, id, '', created_at + interval '1 day'
FROM events_event WHERE (payload ->> 'order')::int BETWEEN %(first)s AND %(last)s ORDER BY id
"""

_AUDIT = f"""
INSERT INTO organizations_auditentry (
    id, at, actor_name, address, request_id, action, object_type, object_id, object_words, organization_id, before,
    after
)
SELECT {id_at("at", "n")}, at, CASE WHEN n %% 499 = 0 THEN 'grace' ELSE 'ada' END, '203.0.113.' || n %% 200, 'r' || n,
    CASE WHEN n %% 499 = 0 THEN 'tier.changed' ELSE 'endpoint.paused' END, 'deliveries.endpoint', 'e' || n %% 500,
    'https://a.example/' || n,
    {_TENANT}, '{{}}', '{{}}'
FROM (
    SELECT n, now() - interval '{DAYS} days' * (%(total)s - n) / %(total)s AS at
    FROM generate_series(%(first)s, %(last)s) AS n
) AS entry
"""


def fill(rows: Rows, numbers: range, *, of: int) -> None:
    """These of so many events, with all that comes of them, and as many entries in the audit log."""
    values = {
        "organizations": rows.tenants,
        "polling": rows.polling.organization.pk,
        "every": rows.every,
        "first": numbers[0],
        "last": numbers[-1],
        "total": of,
    }
    with connection.cursor() as cursor:
        for statement in (_EVENTS, _DELIVERIES, _ATTEMPTS, _ONCE_KEYS, _AUDIT):
            cursor.execute(statement, values)


def start_afresh() -> None:
    """No row is in our tables, nor the room of those that other tests had there: the planner counts pages."""
    tables = [model._meta.db_table for name in OUR_APPS for model in apps.get_app_config(name).get_models()]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(dict.fromkeys(tables))}")


def settle_down() -> None:
    """What autovacuum does in time: counts, and notes what everybody can see."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SET default_statistics_target = 1000"
        )  # which looks at all of them: no plan hangs on chance
        cursor.execute(f"VACUUM ANALYZE {', '.join(BIG)}, organizations_organization, deliveries_endpoint")

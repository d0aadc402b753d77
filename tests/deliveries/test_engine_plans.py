"""Claiming and settling: planned once, for any backlog, and never by a look at all that there is."""

import asyncio
from functools import partial

from django.db import connection as ours
from django.db.models.functions import Now

from deliveries.backoff import Verdict
from deliveries.claim import Claimed
from deliveries.models import Delivery, Endpoint
from deliveries.settle import settle
from events.models import Event
from organizations.models import Organization
from tests.concurrency import at_once
from tests.deliveries.engine_room import GOOD, Connection, answer, claiming, on_a_connection
from tests.factories import make_delivery, make_endpoint

BACKLOG = 2_000
FEW = 100
TIMES = 8  # PostgreSQL makes five plans for the values at hand, before it decides

_PLANS = """
SELECT generic_plans::int, custom_plans::int FROM pg_prepared_statements WHERE statement ~ 'UPDATE deliveries_delivery'
"""
_ROWS_READ = "SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables"


def backlog(endpoint: Endpoint, number: int) -> None:
    organization = endpoint.organization
    events = Event.objects.bulk_create(
        Event(organization=organization, type="order.created", payload={}) for _ in range(number)
    )
    Delivery.objects.bulk_create(
        Delivery(
            organization=organization,
            endpoint=endpoint,
            event=event,
            event_type=event.type,
            next_attempt_at=Now(),
        )
        for event in events
    )


def count_rows() -> None:
    """And pages: by them the planner goes. As autovacuum does."""
    with ours.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) deliveries_delivery, deliveries_endpoint, events_event")


async def settling(connection: Connection, found: list[Claimed]) -> None:
    answers = [answer(delivery, GOOD, Verdict("delivered")) for delivery in found]
    assert len(await settle(connection, answers)) == len(found)


async def rows_read(connection: Connection) -> tuple[int, int]:
    """Of all tables, by a claim of ten and by settling them."""
    async with connection.transaction():
        found = await claiming(connection, most=10, room=10)
        (by_claim,) = await (await connection.execute(_ROWS_READ)).fetchone() or (0,)
        await settling(connection, found)
        (by_both,) = await (await connection.execute(_ROWS_READ)).fetchone() or (0,)
    assert len(found) == 10
    return by_claim, by_both - by_claim


def test_with_a_backlog_nothing_is_planned_each_time(committed_organization: Organization) -> None:
    backlog(make_endpoint(committed_organization), BACKLOG)
    count_rows()

    async def again_and_again(connection: Connection) -> list[tuple[int, int]]:
        for _ in range(TIMES):
            await settling(connection, await claiming(connection))
        return await (await connection.execute(_PLANS)).fetchall()

    assert on_a_connection(again_and_again) == [(TIMES, 0), (TIMES, 0)]


def test_of_a_backlog_only_what_is_claimed_is_read(committed_organization: Organization) -> None:
    backlog(make_endpoint(committed_organization), BACKLOG)
    count_rows()
    assert max(on_a_connection(rows_read)) < FEW


def test_a_plan_for_small_tables_reads_no_more_of_large_ones(committed_organization: Organization) -> None:
    endpoint = make_endpoint(committed_organization)
    make_delivery(endpoint)
    count_rows()

    async def before_and_after(connection: Connection) -> tuple[int, int]:
        await settling(connection, await claiming(connection))
        await asyncio.to_thread(at_once, [partial(backlog, endpoint, BACKLOG)])
        return await rows_read(connection)

    assert max(on_a_connection(before_and_after)) < FEW

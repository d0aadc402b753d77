"""Claiming and settling: planned once, for any backlog, and never by a look at all that there is."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection as ours
from django.db.models.functions import Now

from deliveries.backoff import Verdict
from deliveries.claim import Claimed
from deliveries.database import connect
from deliveries.models import Endpoint
from deliveries.settle import SESSION, SETTLE, settle
from organizations.models import Organization
from tests.concurrency import at_once
from tests.deliveries.engine_room import GOOD, Connection, an_engine, answer, claiming
from tests.deliveries.receiver import answers, receiving
from tests.factories import make_deliveries, make_delivery, make_endpoint

BACKLOG = 1_000
FEW = 100
TIMES = 8  # PostgreSQL makes five plans for the values at hand, before it decides

_PLANS = """
SELECT sum(generic_plans) || ' generic, ' || sum(custom_plans) || ' custom' FROM pg_prepared_statements
WHERE statement ~ 'UPDATE deliveries_delivery'
"""
_ROWS_READ = "SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables"


def backlog(endpoint: Endpoint, number: int) -> None:
    make_deliveries(endpoint, number, next_attempt_at=Now())


def count_rows() -> None:
    """And pages: by them the planner goes. As autovacuum does."""
    with ours.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) deliveries_delivery, deliveries_endpoint, events_event")


@asynccontextmanager
async def connections() -> AsyncIterator[tuple[Connection, Connection]]:
    """An engine's: one that claims and one that settles."""
    async with await connect(None) as claims, await connect(None, settings=SESSION) as settles:
        yield claims, settles


async def settling(connection: Connection, found: list[Claimed]) -> None:
    answers = [answer(delivery, GOOD, Verdict("delivered")) for delivery in found]
    assert len(await settle(connection, answers)) == len(found)


async def count(connection: Connection, query: str) -> Any:
    (row,) = await (await connection.execute(query.encode())).fetchall()
    return row[0]


async def rows_read(claims: Connection, settles: Connection) -> list[int]:
    """Of all tables, by a claim of ten and by settling them."""
    async with claims.transaction():
        found = await claiming(claims, most=10, room=10)
        read = [await count(claims, _ROWS_READ)]
    assert len(found) == 10
    async with settles.transaction():
        await settling(settles, found)
        return [*read, await count(settles, _ROWS_READ)]


def test_with_a_backlog_nothing_is_planned_each_time(committed_organization: Organization) -> None:
    backlog(make_endpoint(committed_organization), BACKLOG)
    count_rows()

    async def again_and_again() -> list[str]:
        async with connections() as (claims, settles):
            for _ in range(TIMES):
                await settling(settles, await claiming(claims))
            return [await count(connection, _PLANS) for connection in (claims, settles)]

    assert asyncio.run(again_and_again()) == [f"{TIMES} generic, 0 custom"] * 2


def test_of_a_backlog_only_what_is_claimed_is_read(committed_organization: Organization) -> None:
    backlog(make_endpoint(committed_organization), BACKLOG)
    count_rows()

    async def read() -> list[int]:
        async with connections() as pair:
            return await rows_read(*pair)

    assert max(asyncio.run(read())) < FEW


def test_a_plan_for_small_tables_reads_no_more_of_large_ones(committed_organization: Organization) -> None:
    endpoint = make_endpoint(committed_organization)
    make_delivery(endpoint)
    count_rows()

    async def before_and_after() -> list[int]:
        async with connections() as (claims, settles):
            await settling(settles, await claiming(claims))
            await asyncio.to_thread(at_once, [partial(backlog, endpoint, BACKLOG)])
            return await rows_read(claims, settles)

    assert max(asyncio.run(before_and_after())) < FEW


def test_an_engine_claims_and_settles_so(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        make_delivery(make_endpoint(committed_organization, url=receiver.url))
        assert asyncio.run(settings_of_an_engine()) == [
            ("force_generic_plan", "on"),
            ("force_generic_plan", "off"),
        ]


async def settings_of_an_engine() -> list[tuple[str, str]]:
    """How both of its connections plan, and whether they may use nested loops, once it has delivered."""
    engine = an_engine()
    try:
        assert await engine.run() == 1
        both = [connection for connection in (engine.claiming, engine.settler.connection) if connection]
        return [
            (await count(one, "SHOW plan_cache_mode"), await count(one, "SHOW enable_nestloop"))
            for one in both
        ]
    finally:
        await engine.close()


@pytest.mark.parametrize("number", [1, BACKLOG])
def test_what_is_settled_is_never_each_answer_beside_each_delivery(
    committed_organization: Organization, number: int
) -> None:
    """Which takes a third of a second for 800 of them."""
    backlog(make_endpoint(committed_organization), number)
    count_rows()
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)b", SETTLE)))
    numbered = re.sub(r"%\((\w+)\)b", lambda found: f"${names.index(found[1]) + 1}", SETTLE)
    empty = ", ".join(["'{}'"] * len(names))

    async def plan() -> str:
        async with connections() as (_, settles):
            await settles.execute(f"PREPARE settling AS {numbered}".encode())
            rows = await settles.execute(f"EXPLAIN EXECUTE settling ({empty})".encode())
            return "\n".join(row[0] for row in await rows.fetchall())

    assert "Hash Join" in (found := asyncio.run(plan()))
    assert "Nested Loop" not in found

"""What the engine does, one piece at a time: on connections like its own, against the committed database."""

import asyncio
import ipaddress
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg

from deliveries.backoff import Verdict
from deliveries.claim import Claimed, claim_due
from deliveries.database import PLANNED_ONCE, connect
from deliveries.engine import Engine, Rules
from deliveries.models import Delivery, Endpoint
from deliveries.outcome import DELIVERED, REJECTED, Outcome
from deliveries.settle import SESSION, Answer, settle
from tests.deliveries.receiver import Request

T = TypeVar("T")
Row = dict[str, object]
SendOne = Callable[..., tuple[Delivery, list[Request]]]
Connection = psycopg.AsyncConnection[Any]

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
FROM_THE_START = "00000000-0000-0000-0000-000000000000"
GOOD = Outcome(DELIVERED, 204)
BAD = Outcome(REJECTED, 500, "The receiver answered 500.", headers={"Server": "x"}, body="oops")


def on_a_connection(
    work: Callable[[Connection], Awaitable[T]], *, settings: Mapping[str, str] = PLANNED_ONCE
) -> T:
    """By default on one that claims."""

    async def run() -> T:
        connection = await connect(None, settings=settings)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


async def claiming(connection: Connection, **options: Any) -> list[Claimed]:
    plain = {"most": 100, "room": 8, "rooms": {}, "lease": 60.0, "start": FROM_THE_START}
    return await claim_due(connection, **{**plain, **options})


def claim(**options: Any) -> list[Claimed]:
    return on_a_connection(lambda connection: claiming(connection, **options))


def claimed(endpoint: Endpoint, **fields: Any) -> Claimed:
    """A delivery to that endpoint as an engine holds it; nothing of it is in the database."""
    plain: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "organization_id": str(endpoint.organization_id),
        "event_id": str(uuid.uuid4()),
        "endpoint_id": str(endpoint.pk),
        "event_type": "order.created",
        "claim": 1,
        "lost_claims": 0,
        "attempts": 0,
        "test": False,
        "manual": False,
        "url": endpoint.url,
        "revision": endpoint.revision,
        "probed": False,
        "payload": "{}",
        "event_created_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "claimed_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
    }
    return Claimed(**{**plain, **fields})


def answer(delivery: Claimed, outcome: Outcome, verdict: Verdict) -> Answer:
    return Answer(delivery, outcome, verdict, datetime(2026, 1, 31, 12, tzinfo=UTC), 17)


def an_engine(*, rules: Row | None = None, **fields: Any) -> Engine:
    plain = {"schedule": [0, 0], "timeout": 5.0, "allowed": LOOPBACK, "user_agent": "Triggers/0"}
    return Engine(Rules(**{**plain, **(rules or {})}), **fields)  # type: ignore[arg-type]


def run_engine(*, tracing: Any = None, **rules: Any) -> int:
    """One engine, until nothing is due. How many attempts it made."""

    # It may end just before what it settled last is due again: then it would be rung for anew, a second later.
    async def run() -> int:
        engine = an_engine(rules=rules, tracing=tracing)
        try:
            sent = 0
            while (number := await engine.run()) > 0:
                sent += number
            return sent
        finally:
            await engine.close()

    return asyncio.run(run())


def settle_as(delivery: Claimed, outcome: Outcome, status: str, wait: float | None = None) -> dict[str, str]:
    """Settles one attempt with that outcome, decided so. Returns what moved."""
    answers = [answer(delivery, outcome, Verdict(status, wait))]
    return on_a_connection(lambda connection: settle(connection, answers), settings=SESSION)

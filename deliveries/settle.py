"""Settling: what came of a batch of attempts, written in one statement.

Each answer moves its delivery only while that is still in flight under its claim (the fence): a late loser, and an
answer that was written already when its confirmation got lost, change nothing and leave no attempt. What was canceled
meanwhile stays so, unless it did arrive.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
import structlog

from deliveries.backoff import Verdict
from deliveries.claim import Claimed
from deliveries.database import PLANNED_ONCE
from deliveries.outcome import Outcome

# Of who settles. A plan that is kept takes any array for ten long, for which each row of one beside each of the other
# would do: with 800 of them that took a third of a second.
SESSION = {**PLANNED_ONCE, "enable_nestloop": "off"}

# `delivery.manual` is true here only when somebody pressed "send now" while this attempt was under way.
SETTLE = """
WITH answer AS (
    SELECT * FROM unnest(
        %(ids)b::uuid[], %(claims)b::int[], %(statuses)b::text[], %(counted)b::int[], %(waits)b::float8[],
        %(outcomes)b::text[], %(status_codes)b::int[], %(errors)b::text[], %(started)b::timestamptz[],
        %(durations)b::int[], %(headers)b::text[], %(bodies)b::text[],
        %(dns_ms)b::int[], %(connect_ms)b::int[], %(tls_ms)b::int[], %(first_byte_ms)b::int[]
    ) AS one (
        id, claim, status, counted, wait, outcome, status_code, error, started_at, duration_ms, headers, body,
        dns_ms, connect_ms, tls_ms, first_byte_ms
    )
), moved AS (
    UPDATE deliveries_delivery AS delivery SET
        status = CASE
            WHEN answer.status = 'delivered' THEN 'delivered'
            WHEN delivery.status = 'canceled' THEN 'canceled'
            WHEN answer.status = 'dead_letter' AND delivery.manual THEN 'pending'
            ELSE answer.status END,
        attempts = CASE
            WHEN answer.status = 'dead_letter' AND delivery.manual THEN 0
            ELSE delivery.attempts + answer.counted END,
        next_attempt_at = CASE
            WHEN answer.status = 'delivered' OR delivery.status = 'canceled' THEN NULL
            WHEN delivery.manual THEN now()
            WHEN answer.status = 'dead_letter' THEN NULL
            WHEN answer.counted = 0 THEN greatest(delivery.resume_at, now() + answer.wait * interval '1 second')
            ELSE now() + answer.wait * interval '1 second' END,
        resume_at = CASE
            WHEN answer.status <> 'failed' OR delivery.status = 'canceled' OR NOT delivery.manual THEN NULL
            WHEN answer.counted = 0 THEN delivery.resume_at
            ELSE now() + answer.wait * interval '1 second' END,
        manual = delivery.manual AND answer.status <> 'delivered' AND delivery.status <> 'canceled',
        settled_at = CASE
            WHEN delivery.status = 'canceled' THEN delivery.settled_at
            WHEN answer.status = 'delivered' OR (answer.status = 'dead_letter' AND NOT delivery.manual) THEN now()
            END,
        claimed_until = NULL,
        unsettled_claims = 0,
        last_status_code = answer.status_code,
        last_error = answer.error
    FROM answer
    WHERE delivery.id = answer.id AND delivery.claim = answer.claim AND delivery.claimed_until IS NOT NULL
        AND delivery.id = ANY (%(ids)b::uuid[]) -- for the planner, as in `claim.py`
    RETURNING delivery.id, delivery.status, delivery.next_attempt_at
), noted AS (
    INSERT INTO deliveries_attempt (
        delivery_id, number, started_at, duration_ms, outcome, status_code, error, response_headers, response_body,
        next_attempt_at, manual, dns_ms, connect_ms, tls_ms, first_byte_ms
    )
    SELECT answer.id, answer.claim, answer.started_at, answer.duration_ms, answer.outcome, answer.status_code,
        answer.error, answer.headers::jsonb, answer.body, moved.next_attempt_at, answer.counted = 0,
        answer.dns_ms, answer.connect_ms, answer.tls_ms, answer.first_byte_ms
    FROM answer JOIN moved ON moved.id = answer.id
    ON CONFLICT DO NOTHING
)
SELECT id::text, status FROM moved
"""

log = structlog.get_logger(__name__)

_json = msgspec.json.Encoder()


@dataclass(slots=True)
class Answer:
    """One attempt and what came of it, ready to be settled."""

    delivery: Claimed
    outcome: Outcome
    verdict: Verdict
    started_at: datetime
    duration_ms: int
    lease_ends: float = math.inf  # by time.monotonic(): no clock of another machine is compared with ours

    @property
    def waited(self) -> float:
        """Seconds from the event's acceptance to this attempt."""
        return max(0.0, (self.started_at - self.delivery.event_created_at).total_seconds())

    @property
    def since_accepted(self) -> float:
        """Seconds from the event's acceptance to this answer."""
        waited = (self.started_at - self.delivery.event_created_at).total_seconds() + self.duration_ms / 1000
        return max(0.0, waited)


async def settle(connection: psycopg.AsyncConnection[Any], answers: Sequence[Answer]) -> dict[str, str]:
    """Writes the answers. Returns the status of each delivery that moved, by its id.

    An answer that the database refuses must not take the others with it: it is left out, said in the log, and its
    delivery is due again when the lease ends. Raises psycopg.OperationalError while the database is away.
    """
    try:
        return await _write(connection, answers)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        if len(answers) == 1:
            log.error("delivery.not_settled", delivery_id=answers[0].delivery.id, error=type(error).__name__)
            return {}
    moved: dict[str, str] = {}
    for answer in answers:
        moved |= await settle(connection, [answer])
    return moved


async def _write(connection: psycopg.AsyncConnection[Any], answers: Sequence[Answer]) -> dict[str, str]:
    deliveries = [answer.delivery for answer in answers]
    outcomes = [answer.outcome for answer in answers]
    timings = [outcome.timings for outcome in outcomes]
    async with connection.cursor() as cursor:
        await cursor.execute(
            SETTLE.encode(),
            {
                "ids": [delivery.id for delivery in deliveries],
                "claims": [delivery.claim for delivery in deliveries],
                "statuses": [answer.verdict.status for answer in answers],
                "counted": [0 if delivery.manual else 1 for delivery in deliveries],
                "waits": [answer.verdict.wait or 0.0 for answer in answers],
                "outcomes": [outcome.kind for outcome in outcomes],
                "status_codes": [outcome.status_code for outcome in outcomes],
                "errors": [outcome.error[:500] for outcome in outcomes],
                "started": [answer.started_at for answer in answers],
                "durations": [answer.duration_ms for answer in answers],
                "headers": [_json.encode(outcome.headers).decode() for outcome in outcomes],
                "bodies": [outcome.body for outcome in outcomes],
                "dns_ms": [took.dns_ms for took in timings],
                "connect_ms": [took.connect_ms for took in timings],
                "tls_ms": [took.tls_ms for took in timings],
                "first_byte_ms": [took.first_byte_ms for took in timings],
            },
            prepare=True,
        )
        return dict(await cursor.fetchall())

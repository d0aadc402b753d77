"""How endpoints are doing, gathered from attempts and written once a second, not once an attempt.

The circuit of an endpoint opens after FAILURES_TO_OPEN failures in a row, in whatever process. What waits for it then
waits untouched; `claim.py` lets one through as a probe, which makes it half open, after 5, 10, 20, 40 and then every
60 s. A probe that fails opens it again, any success closes it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from deliveries.claim import Claimed
from deliveries.outcome import Outcome

GONE_REASON = "The receiver answered 410 Gone."
FAILURES_TO_OPEN = 10  # in a row
FIRST_PROBE, LONGEST_PROBE = 5, 60  # seconds; doubled after each probe that fails

# Locked in the order of their ids: two processes that write the same endpoints wait for each other, never in a circle.
WRITE = """
WITH news AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(failures)s::int[], %(succeeded)s::timestamptz[], %(failed)s::timestamptz[], %(gone)s::int[],
        %(probed)s::bool[]
    ) AS one (id, failures, succeeded_at, failed_at, gone, probed)
), locked AS (
    SELECT id, revision, circuit, probe_wait,
        CASE WHEN news.succeeded_at IS NULL THEN consecutive_failures ELSE 0 END + news.failures AS failures_now
    FROM deliveries_endpoint JOIN news USING (id) ORDER BY id FOR NO KEY UPDATE OF deliveries_endpoint
), decided AS (
    SELECT *, coalesce(gone >= revision, false) AS is_gone, CASE
        WHEN failures_now < %(failures_to_open)s THEN 'close'
        WHEN circuit = 'closed' OR probed THEN 'open' END AS move
    FROM news JOIN locked USING (id)
), timed AS (
    SELECT *, least(%(longest)s, CASE WHEN circuit = 'closed' THEN %(first)s ELSE 2 * probe_wait END) AS wait
    FROM decided
)
UPDATE deliveries_endpoint AS endpoint SET
    consecutive_failures = timed.failures_now,
    last_success_at = greatest(endpoint.last_success_at, timed.succeeded_at),
    last_failure_at = greatest(endpoint.last_failure_at, timed.failed_at),
    failing_since = CASE WHEN timed.failures_now = 0 THEN NULL
        WHEN timed.succeeded_at IS NOT NULL OR endpoint.failing_since IS NULL THEN timed.failed_at
        ELSE endpoint.failing_since END,
    disabled_at = CASE WHEN timed.is_gone AND endpoint.state <> 'disabled' THEN now() ELSE endpoint.disabled_at END,
    state = CASE WHEN timed.is_gone THEN 'disabled' ELSE endpoint.state END,
    disabled_reason = CASE WHEN timed.is_gone THEN %(reason)s ELSE endpoint.disabled_reason END,
    circuit = CASE timed.move WHEN 'close' THEN 'closed' WHEN 'open' THEN 'open' ELSE endpoint.circuit END,
    probe_wait = CASE timed.move WHEN 'close' THEN 0 WHEN 'open' THEN timed.wait ELSE endpoint.probe_wait END,
    probe_at = CASE timed.move WHEN 'open' THEN now() + timed.wait * interval '1 second'
        WHEN 'close' THEN NULL ELSE endpoint.probe_at END
FROM timed WHERE endpoint.id = timed.id
"""


@dataclass(slots=True)
class _News:
    failures: int = 0  # since the last success, or since the last write
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    gone: int | None = None  # the revision that a 410 answered: a URL that is no longer set disables nothing
    probed: bool = False  # the last answer to one that was let through a circuit


class HealthNotes:
    def __init__(self) -> None:
        self._news: dict[str, _News] = {}

    def note(self, delivery: Claimed, outcome: Outcome, at: datetime) -> None:
        news = self._news.setdefault(delivery.endpoint_id, _News())
        if outcome.delivered:
            news.failures, news.succeeded_at = 0, at
        else:
            news.failures, news.failed_at = news.failures + 1, at
        news.probed = news.probed or delivery.probed
        if outcome.gone:
            news.gone = max(news.gone or 0, delivery.revision)

    @property
    def urgent(self) -> bool:
        """Somebody said 410, or fails again and again: no more may be sent there. Or a probe was answered."""
        return any(
            news.gone is not None or news.probed or news.failures >= FAILURES_TO_OPEN
            for news in self._news.values()
        )

    def __bool__(self) -> bool:
        return bool(self._news)

    async def write(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Writes what was gathered. Should that fail, it is still there for the next time."""
        news, self._news = self._news, {}
        try:
            await connection.execute(WRITE.encode(), _parameters(news), prepare=True)
        except psycopg.Error:
            self._news = {**self._news, **news}
            raise


def _parameters(news: dict[str, _News]) -> dict[str, Any]:
    return {
        "ids": list(news),
        "failures": [one.failures for one in news.values()],
        "succeeded": [one.succeeded_at for one in news.values()],
        "failed": [one.failed_at for one in news.values()],
        "gone": [one.gone for one in news.values()],
        "probed": [one.probed for one in news.values()],
        "reason": GONE_REASON,
        "failures_to_open": FAILURES_TO_OPEN,
        "first": FIRST_PROBE,
        "longest": LONGEST_PROBE,
    }

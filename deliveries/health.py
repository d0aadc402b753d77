"""How endpoints are doing, gathered from attempts and written once a second, not once an attempt."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from deliveries.outcome import Outcome

GONE_REASON = "The receiver answered 410 Gone."

# Locked in the order of their ids: two processes that write the same endpoints wait for each other, never in a circle.
WRITE = """
WITH news AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(failures)s::int[], %(succeeded)s::timestamptz[], %(failed)s::timestamptz[], %(gone)s::bool[]
    ) AS one (id, failures, succeeded_at, failed_at, gone)
), locked AS (
    SELECT id FROM deliveries_endpoint WHERE id = ANY (%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE
)
UPDATE deliveries_endpoint AS endpoint SET
    consecutive_failures = news.failures
        + CASE WHEN news.succeeded_at IS NULL THEN endpoint.consecutive_failures ELSE 0 END,
    last_success_at = greatest(endpoint.last_success_at, news.succeeded_at),
    last_failure_at = greatest(endpoint.last_failure_at, news.failed_at),
    state = CASE WHEN news.gone THEN 'disabled' ELSE endpoint.state END,
    disabled_reason = CASE WHEN news.gone THEN %(reason)s ELSE endpoint.disabled_reason END
FROM news JOIN locked USING (id)
WHERE endpoint.id = news.id
"""


@dataclass(slots=True)
class _News:
    failures: int = 0  # since the last success, or since the last write
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    gone: bool = False


class HealthNotes:
    def __init__(self) -> None:
        self._news: dict[str, _News] = {}

    def note(self, endpoint_id: str, outcome: Outcome, at: datetime) -> None:
        news = self._news.setdefault(endpoint_id, _News())
        if outcome.delivered:
            news.failures, news.succeeded_at = 0, at
        else:
            news.failures, news.failed_at = news.failures + 1, at
        news.gone = news.gone or outcome.gone

    @property
    def urgent(self) -> bool:
        """Somebody said 410: nothing more may be sent there."""
        return any(news.gone for news in self._news.values())

    def __bool__(self) -> bool:
        return bool(self._news)

    async def write(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Writes what was gathered. Should that fail, it is still there for the next time."""
        news, self._news = self._news, {}
        try:
            await connection.execute(WRITE.encode(), _parameters(news))
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
        "reason": GONE_REASON,
    }

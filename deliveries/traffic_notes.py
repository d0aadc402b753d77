"""What attempts came to, gathered by an engine and written every few seconds: a row for each endpoint that had some,
for each tenant and for everybody, not one for each attempt.

An attempt is of the minute in which it ended, by the database's clock: it began when PostgreSQL said it was claimed.
So it is of the right minute, however late it is written.
"""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
import structlog

from deliveries.settle import Answer
from deliveries.traffic import BOUNDS_MS
from events.spans import EVERYBODY, Grain

log = structlog.get_logger(__name__)

WRITE_EVERY = 5.0  # seconds; longer when writing takes long, so that it takes a twentieth of the time at most
SHARE = 20
MOST_IN_A_PART = 200  # rows of a minute in one statement; settling goes on between two
MOST_NEWS = 20_000  # endpoints and minutes that are kept while nothing can be written
PATIENCE = "500ms"  # for somebody else who writes the same rows

_EVERYBODY = str(EVERYBODY)
_COUNTS = ("attempts", "delivered", "failed", "dead", "duration_ms")
_HISTOGRAMS = ("durations", "waits")


def _added(column: str) -> str:
    sums = (f"known.{column}[{n}] + EXCLUDED.{column}[{n}]" for n in range(1, len(BOUNDS_MS) + 2))
    return f"{column} = ARRAY[{', '.join(sums)}]"


# The rows are written in one order by all, so that two processes wait for each other and never in a circle.
WRITE = f"""
WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '{PATIENCE}', true)),
news AS (
    SELECT one.* FROM patience, unnest(
        %(abouts)s::uuid[], %(organizations)s::uuid[], %(attempts)s::int[], %(delivered)s::int[], %(failed)s::int[],
        %(dead)s::int[], %(duration_ms)s::bigint[], %(durations)s::text[], %(waits)s::text[]
    ) AS one (about, organization_id, attempts, delivered, failed, dead, duration_ms, durations, waits)
)
INSERT INTO deliveries_traffic AS known (
    about, organization_id, grain, at, attempts, delivered, failed, dead, duration_ms, durations, waits
)
SELECT about, organization_id, grain,
    date_bin(grain * interval '1 second', %(at)s::timestamptz, TIMESTAMPTZ '2000-01-01 00:00:00+00'),
    attempts, delivered, failed, dead, duration_ms, durations::int[], waits::int[]
FROM news CROSS JOIN unnest(ARRAY[{", ".join(str(grain.value) for grain in Grain)}]) AS grain
ORDER BY about, grain
ON CONFLICT (about, grain, at) DO UPDATE SET
    {", ".join(f"{column} = known.{column} + EXCLUDED.{column}" for column in _COUNTS)},
    {", ".join(_added(column) for column in _HISTOGRAMS)}
"""


def _nothing() -> list[int]:
    return [0] * (len(BOUNDS_MS) + 1)


@dataclass(slots=True)
class _Sums:
    organization_id: str
    attempts: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    duration_ms: int = 0
    durations: list[int] = field(default_factory=_nothing)
    waits: list[int] = field(default_factory=_nothing)

    def add(self, other: "_Sums") -> None:
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.durations = [a + b for a, b in zip(self.durations, other.durations, strict=True)]
        self.waits = [a + b for a, b in zip(self.waits, other.waits, strict=True)]


class _Part(NamedTuple):
    """What one statement writes: rows of one minute, of which none is about the same as another."""

    minute: int  # since 1970
    rows: list[tuple[str, _Sums]]


class TrafficNotes:
    def __init__(self) -> None:
        self._news: dict[tuple[str, int], _Sums] = {}  # by endpoint and minute
        self._parts: deque[_Part] = deque()
        self._next = 0.0  # time.monotonic
        self._took = 0.0  # of these parts

    def note(self, answer: Answer, status: str | None) -> None:
        """`status` is what the delivery moved to; what did not move it is no attempt of ours."""
        if status is None:
            return
        delivery, took = answer.delivery, answer.duration_ms
        key = (delivery.endpoint_id, int(answer.started_at.timestamp() + took / 1000) // 60)
        sums = self._news.get(key)
        if sums is None:
            if len(self._news) >= MOST_NEWS:
                return
            sums = self._news[key] = _Sums(delivery.organization_id)
        sums.attempts += 1
        sums.duration_ms += took
        sums.durations[bisect_left(BOUNDS_MS, took)] += 1
        if answer.outcome.delivered:
            sums.delivered += 1
            # As the metric counts: a retry waits for its schedule, a replay for somebody.
            if delivery.claim == 1:
                sums.waits[bisect_left(BOUNDS_MS, answer.since_accepted * 1000)] += 1
        else:
            sums.failed += 1
            sums.dead += status == "dead_letter"

    def __bool__(self) -> bool:
        return bool(self._news or self._parts)

    def due(self, now: float) -> bool:
        """Whether something is to be written. `now` by time.monotonic()."""
        return bool(self) and now >= self._next

    async def write_part(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Writes some of it. Should the database be away or busy, it is kept, and due again some seconds later."""
        if not self._parts:
            self._parts, self._news, self._took = deque(_parts_of(self._news)), {}, 0.0
        began = time.monotonic()
        part = self._parts[0]
        try:
            await connection.execute(WRITE.encode(), _parameters(part), prepare=True)
        except psycopg.OperationalError:
            self._next = time.monotonic() + WRITE_EVERY
            raise
        except psycopg.Error as error:  # it would be refused each time, and hold up all that comes after it
            log.error("traffic.not_written", rows=len(part.rows), error=type(error).__name__)
        self._parts.popleft()
        now = time.monotonic()
        self._took += now - began
        if not self._parts:
            self._next = now + max(WRITE_EVERY, SHARE * self._took)


def _parts_of(news: dict[tuple[str, int], _Sums]) -> Iterator[_Part]:
    """With the rows of the tenants and of everybody."""
    by_minute: dict[int, dict[str, _Sums]] = {}
    for (endpoint_id, minute), sums in news.items():
        rows = by_minute.setdefault(minute, {_EVERYBODY: _Sums(_EVERYBODY)})
        rows[_EVERYBODY].add(sums)
        rows.setdefault(sums.organization_id, _Sums(sums.organization_id)).add(sums)
        rows[endpoint_id] = sums
    for minute, rows in sorted(by_minute.items()):
        listed = list(rows.items())
        for first in range(0, len(listed), MOST_IN_A_PART):
            yield _Part(minute, listed[first : first + MOST_IN_A_PART])


def _parameters(part: _Part) -> dict[str, Any]:
    sums = [sums for _, sums in part.rows]
    return {
        "at": datetime.fromtimestamp(part.minute * 60, UTC),
        "abouts": [about for about, _ in part.rows],
        "organizations": [one.organization_id for one in sums],
        **{name: [getattr(one, name) for one in sums] for name in _COUNTS},
        # As text: a list of lists would be one array of two dimensions, which `unnest` takes for numbers.
        **{name: [f"{{{str(getattr(one, name))[1:-1]}}}" for one in sums] for name in _HISTOGRAMS},
    }

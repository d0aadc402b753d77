"""The figures of the desk: how much came in and what became of it, over the last hour, day or week.

Read from rows that were added up as things happened (`traffic_notes.py`, `events/arrivals_count.py`), never from
events, deliveries or attempts: so it takes the same time however many there are. The last bucket is still under way.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from deliveries.quantiles import quantile
from deliveries.traffic import BOUNDS_MS, Traffic
from events.arrivals_count import accepted_since
from events.spans import EVERYBODY, Span, database_now


@dataclass
class Sums:
    """What was counted within some time. `accepted` is None of an endpoint: it sees what is sent to it only.

    `attempts` = `delivered` + `failed`; `dead` are deliveries that were given up. `p50_ms` and `p95_ms` are from an
    event's acceptance to its delivery, where the first attempt did it; the others of what any attempt took. They are
    None where there is nothing to go by.
    """

    accepted: int | None
    attempts: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    duration_ms: int = 0
    durations: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1), repr=False)
    waits: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1), repr=False)

    @property
    def success_rate(self) -> float | None:
        """Of attempts, from 0.0 to 1.0."""
        return self.delivered / self.attempts if self.attempts else None

    @property
    def p50_ms(self) -> float | None:
        return quantile(self.waits, 0.5)

    @property
    def p95_ms(self) -> float | None:
        return quantile(self.waits, 0.95)

    @property
    def attempt_p50_ms(self) -> float | None:
        return quantile(self.durations, 0.5)

    @property
    def attempt_p95_ms(self) -> float | None:
        return quantile(self.durations, 0.95)

    @property
    def attempt_mean_ms(self) -> float | None:
        return self.duration_ms / self.attempts if self.attempts else None


@dataclass
class Point(Sums):
    """One bucket of a span, which begins at `at`."""

    at: datetime = field(kw_only=True)


@dataclass
class Totals(Sums):
    """All buckets of a span."""


_COUNTS = ("attempts", "delivered", "failed", "dead", "duration_ms")
_HISTOGRAMS = ("durations", "waits")


def series(
    span: Span, *, organization: uuid.UUID | None = None, endpoint: uuid.UUID | None = None
) -> list[Point]:
    """Every bucket of the span, the oldest first: of an endpoint, else of a tenant, else of all together.

    An endpoint is looked for among the tenant's when both are named.
    """
    times = span.times(database_now())
    rows = _rows(span, times[0], organization=organization, endpoint=endpoint)
    accepted: dict[datetime, int] = {}
    if endpoint is None:
        accepted = accepted_since(times[0], span.grain, organization=organization or EVERYBODY)
    return [
        Point(None if endpoint else accepted.get(at, 0), at=at, **rows.get(at, {}))  # type: ignore[arg-type]
        for at in times
    ]


def totals(span: Span, *, organization: uuid.UUID | None = None, endpoint: uuid.UUID | None = None) -> Totals:
    """What the series comes to; who has that already takes `totals_of`."""
    return totals_of(series(span, organization=organization, endpoint=endpoint))


def totals_of(points: Sequence[Point]) -> Totals:
    accepted = [point.accepted for point in points if point.accepted is not None]
    total = Totals(sum(accepted) if accepted else None)
    for name in _COUNTS:
        setattr(total, name, sum(getattr(point, name) for point in points))
    for name in _HISTOGRAMS:
        columns = zip(*(getattr(point, name) for point in points), strict=True)
        setattr(total, name, [sum(column) for column in columns])
    return total


def _rows(
    span: Span, since: datetime, *, organization: uuid.UUID | None, endpoint: uuid.UUID | None
) -> dict[datetime, dict[str, object]]:
    found = Traffic.objects.filter(
        about=endpoint or organization or EVERYBODY, grain=span.grain, at__gte=since
    )
    if organization is not None:
        found = found.filter(organization_id=organization)
    return {row.pop("at"): row for row in found.values("at", *_COUNTS, *_HISTOGRAMS)}

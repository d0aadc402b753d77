"""Time as the desk's figures divide it: the grains in which is counted, and the spans that are shown.

Buckets begin at whole multiples of their grain since 1970, in UTC.
"""

import uuid
from datetime import UTC, datetime, timedelta
from enum import Enum

from django.db import models

from organizations.sql import run

# What is counted of all tenants together stands under this id.
EVERYBODY = uuid.UUID(int=0)


class Grain(models.IntegerChoices):
    """In seconds."""

    MINUTE = 60, "minute"
    QUARTER = 900, "quarter of an hour"
    HOUR = 3600, "hour"

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.value)

    def begin(self, moment: datetime) -> datetime:
        """When the bucket began that this moment is in."""
        return datetime.fromtimestamp(int(moment.timestamp()) // self.value * self.value, UTC)


# How long rows are kept: longer than any span that shows them.
KEPT = {
    Grain.MINUTE: timedelta(hours=3),
    Grain.QUARTER: timedelta(days=3),
    Grain.HOUR: timedelta(days=90),
}


class Span(Enum):
    """What is looked back at: so many buckets, of which the last is the one that is now under way."""

    HOUR = (Grain.MINUTE, 60, "the last hour")
    DAY = (Grain.QUARTER, 96, "the last 24 hours")
    WEEK = (Grain.HOUR, 168, "the last 7 days")

    def __init__(self, grain: Grain, buckets: int, words: str) -> None:
        self.grain, self.buckets, self.words = grain, buckets, words

    @property
    def length(self) -> timedelta:
        return self.buckets * self.grain.length

    def times(self, now: datetime) -> list[datetime]:
        """When its buckets begin, the oldest first."""
        last = self.grain.begin(now)
        return [last - self.grain.length * ago for ago in reversed(range(self.buckets))]


def database_now() -> datetime:
    """By the clock that the rows go by."""
    return run("SELECT now() AS now", {})[0]["now"]


MOST_REMOVED = 10_000


def remove_old(table: str) -> int:
    """Removes rows that no span shows any more, at most MOST_REMOVED. How many."""
    gone = f"""
        WITH gone AS (
            DELETE FROM {table} WHERE ctid = ANY (ARRAY({old_rows(table)})) RETURNING 1
        )
        SELECT count(*) AS removed FROM gone
    """
    return int(run(gone, ages_kept())[0]["removed"])


def old_rows(table: str) -> str:
    return f"""
        SELECT old.ctid FROM unnest(%(grains)s::int[], %(kept)s::interval[]) AS one (grain, kept)
        JOIN {table} AS old ON old.grain = one.grain AND old.at < now() - one.kept
        LIMIT {MOST_REMOVED}
    """


def ages_kept() -> dict[str, list[object]]:
    return {"grains": [grain.value for grain in KEPT], "kept": list(KEPT.values())}

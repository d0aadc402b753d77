"""Counting accepted events: by ranges of their ids, which are made by the clock, so it takes the primary key only.

What was counted is never taken back, and counting again changes nothing: two may do it at once, and whoever was away
goes on from the last minute that was counted. An event is of the minute in which its id was made.
"""

import time
import uuid
from datetime import datetime, timedelta

from django.db import transaction

from events.arrivals import Arrivals
from events.spans import EVERYBODY, KEPT, Grain, database_now
from organizations.sql import run
from organizations.uuid7 import first_id_at

# A minute is counted for the last time so long after its end or later, for events that are committed late.
LATE = timedelta(minutes=1)
# Hours are added up from minutes, which must still be there from the beginning of the first hour on.
FURTHEST_BACK = KEPT[Grain.MINUTE] - timedelta(hours=1)
# However slow the first run of a minute is, it looks at the two minutes that were counted last, and at one that is new.
FEWEST = 3

COUNT = """
WITH counted AS (
    SELECT organization_id, count(*) AS accepted FROM events_event
    WHERE id >= %(first)s::uuid AND id < %(after)s::uuid GROUP BY organization_id
), rows AS (
    SELECT * FROM counted
    UNION ALL SELECT %(everybody)s::uuid, coalesce(sum(accepted), 0) FROM counted
)
INSERT INTO events_arrivals AS known (organization_id, grain, at, accepted)
SELECT organization_id, %(grain)s::int, %(at)s::timestamptz, accepted FROM rows ORDER BY organization_id
ON CONFLICT (organization_id, grain, at) DO UPDATE SET accepted = EXCLUDED.accepted
    WHERE known.accepted < EXCLUDED.accepted
"""

ADD_UP = """
INSERT INTO events_arrivals AS known (organization_id, grain, at, accepted)
SELECT organization_id, %(grain)s::int, %(at)s::timestamptz, sum(accepted) FROM events_arrivals
WHERE grain = %(of)s::int AND at >= %(at)s::timestamptz AND at < %(after)s::timestamptz
GROUP BY organization_id ORDER BY organization_id
ON CONFLICT (organization_id, grain, at) DO UPDATE SET accepted = EXCLUDED.accepted
    WHERE known.accepted < EXCLUDED.accepted
"""


def count_arrivals(*, seconds: float) -> int:
    """Counts what came in since it was counted last. Returns how many minutes it looked at.

    Begins no further minute after so many seconds; the next run goes on.
    """
    deadline = time.monotonic() + seconds
    done: list[datetime] = []
    with transaction.atomic():  # minutes that were counted and not added up would never be
        for minute in _minutes_to_count(database_now()):
            _count(minute)
            done.append(minute)
            if time.monotonic() >= deadline and len(done) >= FEWEST:
                break
        for grain, of in ((Grain.QUARTER, Grain.MINUTE), (Grain.HOUR, Grain.QUARTER)):
            for at in sorted({grain.begin(minute) for minute in done}):
                _add_up(grain, at, of=of)
    return len(done)


def _minutes_to_count(now: datetime) -> list[datetime]:
    """Only the one under way, if it is the latest that was counted; else from the minute before the last that was. (A
    minute later than the one under way: the clock was put back.)"""
    minutes = Arrivals.objects.filter(organization_id=EVERYBODY, grain=Grain.MINUTE)
    counted = minutes.order_by("-at").values_list("at", flat=True)
    latest, last = counted.first(), counted.filter(at__lte=now).first()
    first, under_way = Grain.MINUTE.begin(now - FURTHEST_BACK), Grain.MINUTE.begin(now)
    if last is not None:
        first = max(first, under_way if latest == under_way else last - LATE)
    number = int((now - first) / Grain.MINUTE.length) + 1
    return [first + Grain.MINUTE.length * index for index in range(number)]


def _count(minute: datetime) -> None:
    run(
        COUNT,
        {
            "first": first_id_at(minute),
            "after": first_id_at(minute + Grain.MINUTE.length),
            "everybody": EVERYBODY,
            "grain": Grain.MINUTE.value,
            "at": minute,
        },
    )


def _add_up(grain: Grain, at: datetime, *, of: Grain) -> None:
    run(ADD_UP, {"grain": grain.value, "at": at, "after": at + grain.length, "of": of.value})


def accepted_since(
    since: datetime, grain: Grain, *, organization: uuid.UUID = EVERYBODY
) -> dict[datetime, int]:
    """Accepted events by when their bucket began; where there were none there may be no key."""
    rows = Arrivals.objects.filter(organization_id=organization, grain=grain, at__gte=since)
    return dict(rows.values_list("at", "accepted"))

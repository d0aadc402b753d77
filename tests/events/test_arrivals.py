import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connection

from events import arrivals_count, tasks
from events.arrivals_count import COUNT, FURTHEST_BACK, accepted_since, count_arrivals
from events.models import Arrivals, Event
from events.spans import EVERYBODY, KEPT, Grain, database_now
from organizations.models import Organization
from organizations.uuid7 import first_id_at
from tests.concurrency import at_once
from tests.factories import make_event, make_organization
from tests.triggers_project.test_read_plans import nodes_of

MINUTE, QUARTER, HOUR = Grain
EVER = timedelta(days=1)


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization()


@pytest.fixture
def now(db: None) -> datetime:
    """Stands still within a test that is one transaction."""
    return database_now()


def arrive(organization: Organization, *times: datetime) -> None:
    for at in times:
        make_event(organization, created_at=at)


def count() -> int:
    return count_arrivals(seconds=60)


def counted(grain: Grain, organization: Organization | None = None) -> dict[datetime, int]:
    about = organization.pk if organization else EVERYBODY
    found = accepted_since(database_now() - EVER, grain, organization=about)
    return {at: accepted for at, accepted in found.items() if accepted}


def test_events_are_counted_by_tenant_and_of_all_together(organization: Organization, now: datetime) -> None:
    other, minute = make_organization(), MINUTE.begin(now)
    arrive(organization, now, now)
    arrive(other, now)
    count()
    assert counted(MINUTE) == {minute: 3}
    assert (counted(MINUTE, organization), counted(MINUTE, other)) == ({minute: 2}, {minute: 1})


def test_an_event_is_of_the_minute_in_which_its_id_was_made(
    organization: Organization, now: datetime
) -> None:
    minute = MINUTE.begin(now)
    last = timedelta(milliseconds=1)
    arrive(organization, minute - MINUTE.length - last, minute - MINUTE.length, minute - last, minute)
    count()
    assert counted(MINUTE) == {
        minute - 2 * MINUTE.length: 1,
        minute - MINUTE.length: 2,
        minute: 1,
    }


def test_minutes_are_added_up(organization: Organization, now: datetime) -> None:
    long_ago = now - FURTHEST_BACK
    arrive(organization, now, long_ago, long_ago)
    count()
    assert counted(QUARTER) == {QUARTER.begin(now): 1, QUARTER.begin(long_ago): 2}
    assert counted(HOUR) == {HOUR.begin(now): 1, HOUR.begin(long_ago): 2}
    assert counted(HOUR, organization) == counted(HOUR)


def test_counting_again_changes_nothing(organization: Organization, now: datetime) -> None:
    arrive(organization, now, now - timedelta(minutes=20))
    count()
    before = set(Arrivals.objects.values_list())
    count()
    assert set(Arrivals.objects.values_list()) == before


@pytest.fixture
def a_minute_later(now: datetime, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def pass_by() -> None:
        monkeypatch.setattr(arrivals_count, "database_now", lambda: now + MINUTE.length)

    return pass_by


def test_a_count_goes_on_from_the_last_minute_that_may_not_be_all_there(
    organization: Organization, a_minute_later: Callable[[], None]
) -> None:
    assert count() == FURTHEST_BACK / MINUTE.length + 1
    a_minute_later()
    assert count() == 3


def test_within_a_minute_only_that_is_counted_again(organization: Organization, now: datetime) -> None:
    count()
    arrive(organization, now)
    assert count() == 1
    assert counted(MINUTE) == {MINUTE.begin(now): 1}


def test_what_came_after_the_last_count_of_its_minute_is_counted_in_the_next(
    organization: Organization, now: datetime, a_minute_later: Callable[[], None]
) -> None:
    count()
    arrive(organization, now)
    a_minute_later()
    count()
    assert counted(MINUTE) == {MINUTE.begin(now): 1}


def test_after_a_clock_was_put_back_the_minute_before_is_counted_as_well(
    organization: Organization, now: datetime
) -> None:
    count()
    Arrivals.objects.create(
        organization_id=EVERYBODY, grain=MINUTE, at=MINUTE.begin(now) + 30 * MINUTE.length, accepted=0
    )
    arrive(organization, now - MINUTE.length)
    assert count() == 2
    assert counted(MINUTE) == {MINUTE.begin(now - MINUTE.length): 1}


def test_a_run_that_fails_before_it_has_added_up_has_counted_nothing(
    organization: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(organization, now)
    add_up = arrivals_count.ADD_UP
    monkeypatch.setattr(arrivals_count, "ADD_UP", "SELECT 1 / 0")
    with pytest.raises(DataError):
        count()
    assert counted(MINUTE) == {}
    monkeypatch.setattr(arrivals_count, "ADD_UP", add_up)
    count()
    assert (counted(MINUTE), counted(HOUR)) == ({MINUTE.begin(now): 1}, {HOUR.begin(now): 1})


def test_what_is_committed_a_minute_late_is_counted(
    organization: Organization, now: datetime, a_minute_later: Callable[[], None]
) -> None:
    count()
    before = now - MINUTE.length
    arrive(organization, before)
    a_minute_later()
    count()
    assert counted(MINUTE) == {MINUTE.begin(before): 1}
    assert counted(HOUR) == {HOUR.begin(before): 1}


def test_who_was_away_goes_on_where_it_stopped(organization: Organization, now: datetime) -> None:
    count()
    Arrivals.objects.filter(at__gt=now - timedelta(minutes=30)).delete()
    arrive(organization, now - timedelta(minutes=10), now)
    assert count() == 32
    assert sum(counted(MINUTE).values()) == 2


def test_who_was_away_for_long_goes_back_only_so_far(organization: Organization, now: datetime) -> None:
    arrive(organization, now - FURTHEST_BACK - MINUTE.length, now - FURTHEST_BACK)
    count()
    assert sum(counted(MINUTE).values()) == 1


def test_hours_are_added_up_from_minutes_that_are_still_there() -> None:
    assert FURTHEST_BACK + HOUR.length <= KEPT[MINUTE]


def test_without_time_left_the_next_run_goes_on(organization: Organization, now: datetime) -> None:
    arrive(organization, now - FURTHEST_BACK, now)
    assert count_arrivals(seconds=0) == 3
    assert counted(MINUTE) == {MINUTE.begin(now - FURTHEST_BACK): 1}
    count()
    assert sum(counted(HOUR).values()) == 2


def test_however_little_time_there_is_it_comes_forward(organization: Organization, now: datetime) -> None:
    arrive(organization, now)
    runs = round(FURTHEST_BACK / MINUTE.length) + 1
    for _ in range(runs):
        count_arrivals(seconds=0)
    assert counted(MINUTE) == {MINUTE.begin(now): 1}


def test_what_is_purged_meanwhile_is_not_taken_back(organization: Organization, now: datetime) -> None:
    arrive(organization, now, now)
    count()
    Event.objects.all().delete()
    count()
    assert (counted(MINUTE), counted(HOUR)) == ({MINUTE.begin(now): 2}, {HOUR.begin(now): 2})


def test_two_that_count_at_once_count_once(committed: None) -> None:
    organization = make_organization()
    arrive(organization, *[database_now()] * 3)
    assert not [found for found in at_once([count] * 4) if isinstance(found, Exception)]
    assert list(counted(HOUR).values()) == [3]


def test_the_task_counts(organization: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_pause", {})
    arrive(organization, now)
    assert tasks.count_arrivals() > 1
    assert counted(MINUTE) == {MINUTE.begin(now): 1}


def test_the_task_counts_for_a_twentieth_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[float] = []

    def slowly(*, seconds: float) -> int:
        time.sleep(0.1)
        counts.append(time.monotonic())
        return 3

    monkeypatch.setattr(tasks, "_pause", {})
    monkeypatch.setattr(tasks, "count", slowly)
    assert [tasks.count_arrivals(), tasks.count_arrivals()] == [3, 0]
    assert tasks._pause["ends"] - counts[0] >= 0.1 * (tasks.SHARE - 1)
    monkeypatch.setattr(tasks, "LONGEST_PAUSE", 0.0)
    tasks._pause["ends"] = time.monotonic()
    assert [tasks.count_arrivals(), tasks.count_arrivals()] == [3, 3]


def test_the_schedule_counts_every_ten_seconds(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT every, period, queue FROM django_celery_beat_periodictask AS task"
            " JOIN django_celery_beat_intervalschedule AS interval ON interval.id = interval_id"
            " WHERE task = 'events.count_arrivals'"
        )
        assert cursor.fetchall() == [(10, "seconds", "housekeeping")]


def test_a_minute_is_counted_by_the_primary_key(organization: Organization, now: datetime) -> None:
    for age in range(200):
        make_event(organization, created_at=now - timedelta(minutes=age))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
        cursor.execute("SET LOCAL enable_seqscan = off")
    minute = MINUTE.begin(now) - 5 * MINUTE.length
    nodes = nodes_of(COUNT, of_the_minute(minute))
    (scan,) = [node for node in nodes if node.get("Relation Name") == "events_event"]
    assert (scan.get("Index Name"), scan["Actual Rows"], scan.get("Rows Removed by Filter", 0)) == (
        "events_event_pkey",
        1,
        0,
    )


def of_the_minute(minute: datetime) -> dict[str, Any]:
    first, after = first_id_at(minute), first_id_at(minute + MINUTE.length)
    everybody: uuid.UUID = arrivals_count.EVERYBODY
    return {"first": first, "after": after, "everybody": everybody, "grain": MINUTE.value, "at": minute}

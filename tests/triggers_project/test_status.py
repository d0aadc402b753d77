"""`manage.py status`"""

import json
import time
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deliveries.heartbeat import beat, beat_of_worker
from deliveries.models import Endpoint
from deliveries.traffic import Traffic
from events.arrivals import Arrivals
from events.spans import EVERYBODY, Grain, database_now
from tests.factories import ago, ahead, make_delivery, make_endpoint
from triggers_project.status_screen import took


def status(*arguments: str) -> tuple[int, str]:
    """Its exit code, and what it prints."""
    out = StringIO()
    try:
        call_command("status", *arguments, stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def workers() -> None:
    beat()
    beat_of_worker("deliveries@a")
    beat_of_worker("housekeeping@a")


def counted(about: Any, endpoint: Endpoint, *, delivered: int, failed: int, owner: Any = EVERYBODY) -> None:
    Traffic.objects.create(
        about=about,
        organization_id=owner,
        grain=Grain.MINUTE,
        at=Grain.MINUTE.begin(database_now()),
        attempts=delivered + failed,
        delivered=delivered,
        failed=failed,
        dead=0,
        duration_ms=10,
        durations=[0] * 25,
        waits=[0] * 25,
    )


@pytest.mark.usefixtures("workers")
def test_one_screen_tells_what_came_what_waits_and_who_works(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization, url="http://93.184.215.14/hooks?token=secret")
    Arrivals.objects.create(
        organization_id=EVERYBODY, grain=Grain.MINUTE, at=Grain.MINUTE.begin(database_now()), accepted=1_234
    )
    counted(EVERYBODY, endpoint, delivered=97, failed=3)
    counted(endpoint.pk, endpoint, delivered=97, failed=3, owner=acme.organization.pk)
    make_delivery(endpoint, next_attempt_at=ago(seconds=30))
    make_delivery(endpoint, status="failed", next_attempt_at=ahead(minutes=5))
    make_delivery(endpoint, status="dead_letter")

    code, printed = status()

    assert code == 0
    assert printed.split("\n", 1)[1].splitlines() == [
        "",
        "Accepted      1,234 events in the last hour",
        "Attempts      97 delivered, 3 failed (97.0% succeeded), 0 given up",
        "Delivered in  –",
        "Waiting       1 due (the oldest for 30 s), 1 later, 0 held back",
        "Dead letters  1",
        "Endpoints     1 well, 0 spared, 0 paused, 0 disabled",
        "Workers       deliveries@a, housekeeping@a",
        "Scheduler     ticks",
        "",
        "Endpoints that fail most",
        "          3 of       100 failed, 0 given up  http://93.184.215.14/hooks  Acme",
    ]


@pytest.mark.usefixtures("workers")
def test_json_says_the_same(acme: SimpleNamespace) -> None:
    make_delivery(make_endpoint(acme.organization, state="paused"), next_attempt_at=ago(seconds=1))
    code, printed = status("--json", "--span", "day")
    found = json.loads(printed)
    assert (code, found["span"], found["troubles"], sorted(found["workers"])) == (
        0,
        "day",
        [],
        ["deliveries@a", "housekeeping@a"],
    )
    assert found["waiting"] == {"due": 0, "later": 0, "held": 1, "more": False, "oldest_due_seconds": None}
    assert found["endpoints"] == {"well": 0, "spared": 0, "paused": 1, "disabled": 0}


@pytest.mark.usefixtures("workers")
def test_what_is_the_tenants_trouble_ends_with_1(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization, state="disabled")
    code, printed = status()
    assert code == 1
    assert " ! 1 endpoint is disabled." in printed


def test_what_is_ours_ends_with_2(db: None) -> None:
    code, printed = status()
    assert code == 2
    assert "!! No delivery worker has been heard of lately." in printed


@pytest.mark.usefixtures("db", "no_redis")
def test_without_redis_it_says_what_it_knows() -> None:
    code, printed = status()
    assert code == 2
    assert "Workers       unknown: Redis is away" in printed


@pytest.mark.usefixtures("no_database")
def test_without_postgresql_it_says_so_in_one_line() -> None:
    with pytest.raises(CommandError, match=r"^PostgreSQL can't be asked"):
        status()


def test_watching_shows_it_anew_until_ctrl_c(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    paused = iter([None, KeyboardInterrupt])

    def pause(_seconds: float) -> None:
        if (wake := next(paused)) is not None:
            raise wake

    monkeypatch.setattr(time, "sleep", pause)
    code, printed = status("--watch", "--json")
    assert code == 0
    assert [json.loads(line)["accepted"] for line in printed.splitlines()] == [0, 0]


@pytest.mark.parametrize(("milliseconds", "words"), [(9_999, "9,999 ms"), (320_000, "5 min")])
def test_what_took_long_is_not_told_in_milliseconds(milliseconds: float, words: str) -> None:
    assert took(milliseconds) == words

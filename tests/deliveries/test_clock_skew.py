"""A machine whose clock is more than a day off decides as any other: time is what the database's clock says."""

import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Now
from django.utils import timezone

from deliveries import engine
from deliveries.models import Delivery
from tests.deliveries.engine_room import SendOne, claim
from tests.deliveries.receiver import answers, in_turn
from tests.deliveries.test_engine_trouble import terminate_engines
from tests.factories import make_delivery, make_endpoint

OURS = ("deliveries", "events", "organizations", "triggers_project")
DAY = timedelta(hours=25)

pytestmark = pytest.mark.parametrize("shift", [DAY, -DAY], ids=["ahead", "behind"])


@pytest.fixture(autouse=True)
def skewed(shift: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's clock, however it is asked."""

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + shift

    true_time, true_now = time.time, timezone.now
    monkeypatch.setattr(time, "time", lambda: true_time() + shift.total_seconds())
    monkeypatch.setattr(timezone, "now", lambda: true_now() + shift)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OURS and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Skewed)
    assert abs(timezone.now() - datetime.now(UTC)) > timedelta(hours=24)


def true_now() -> datetime:
    """By the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def waits(delivery: Delivery) -> timedelta:
    """How long until its next attempt, by the database's clock."""
    waiting = F("next_attempt_at") - Now() - Value(timedelta(0))
    return Delivery.objects.annotate(waits=waiting).get(pk=delivery.pk).waits


def test_what_is_due_is_sent_and_bears_the_true_time(send_one: SendOne) -> None:
    delivery, (request,) = send_one(answers(204))
    assert delivery.status == "delivered"
    assert abs(int(request.headers["webhook-timestamp"]) - true_now().timestamp()) < 10


def test_what_is_not_due_is_not(send_one: SendOne) -> None:
    later = true_now() + timedelta(minutes=1)
    delivery, requests = send_one(answers(204), status="failed", next_attempt_at=later)
    assert (delivery.status, requests) == ("failed", [])


def test_what_failed_waits_as_long_as_ever(send_one: SendOne) -> None:
    delivery, _ = send_one(answers(500), rules={"schedule": [100], "chance": lambda: 0.0})
    assert timedelta(seconds=95) < waits(delivery) <= timedelta(seconds=100)


def test_a_date_to_retry_after_is_measured_by_the_true_time(send_one: SendOne) -> None:
    asked = format_datetime((true_now() + timedelta(minutes=30)).astimezone(UTC), usegmt=True)
    delivery, _ = send_one(answers(503, Retry_After=asked))
    assert timedelta(minutes=29) < waits(delivery) <= timedelta(minutes=30)


def test_a_lease_holds_against_everybody(committed_acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(committed_acme.organization))
    assert [found.id for found in claim(lease=60.0)] == [str(delivery.pk)]
    assert claim() == []
    assert timedelta(seconds=55) < waits(delivery) <= timedelta(seconds=60)


def test_an_answer_is_kept_while_the_database_is_away(
    send_one: SendOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "OUTAGE_PAUSE", 0.01)

    def end_connections(conversation: object) -> None:
        time.sleep(0.05)
        terminate_engines()
        answers(204)(conversation)

    delivery, requests = send_one(in_turn(answers(500), end_connections))
    assert (delivery.status, len(requests)) == ("delivered", 2)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"dedup_id": "order-17"}, {}, 409),
        ({}, {"Idempotency-Key": "order-17"}, 202),
    ],
    ids=["dedup_id", "idempotency_key"],
)
def test_what_holds_for_a_day_holds(
    acme: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, str],
    headers: dict[str, str],
    status: int,
) -> None:
    """The second is sent by a machine whose clock is right."""
    make_endpoint(acme.organization)

    def send() -> Any:
        event = {"type": "order.created", "payload": 1, **body}
        return acme.api.post("/api/events", event, headers=headers)

    first = send()
    monkeypatch.undo()
    assert abs(timezone.now() - true_now()) < timedelta(minutes=1)
    second = send()
    assert (first.status_code, second.status_code) == (202, status)
    assert second.json().get("event_id", second.json().get("id")) == first.json()["id"]


def test_a_revoked_key_is_refused(acme: SimpleNamespace, shift: timedelta) -> None:
    made = acme.api.post("/api/keys/rotate", {"grace_seconds": 0})
    assert made.status_code == 201
    time.sleep(0.6)  # what a process remembers of a key's state, by a clock that nobody sets
    assert acme.api.get("/api/keys").status_code == 401

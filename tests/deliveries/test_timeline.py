"""The life of an event as moments, and the steps of an attempt as a bar."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deliveries.admin_attempts import Shown
from deliveries.admin_timings import WIDE, Step, kept, steps_of
from deliveries.models import Attempt, Delivery, Endpoint
from deliveries.timeline import Moment, timeline, what_comes_next
from events.models import Event
from organizations.models import AuditEntry

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def an_event(**fields: Any) -> Event:
    return Event(type="order.created", created_at=at(-60), **fields)


def a_delivery(*, status: str = "pending", endpoint: dict[str, Any] | None = None, **fields: Any) -> Delivery:
    to = Endpoint(url="http://a.example/", **(endpoint or {}))
    plain = {"created_at": at(-60), "next_attempt_at": at(5) if status in ("pending", "failed") else None}
    return Delivery(endpoint=to, status=status, **{**plain, **fields})


def an_attempt(
    delivery: Delivery, *, outcome: str = "rejected", number: int = 1, minutes: float = -59
) -> Shown:
    attempt = Attempt(
        delivery=delivery, number=number, outcome=outcome, started_at=at(minutes), duration_ms=20
    )
    return Shown(attempt, delivery, "Refused", "", True, [], False, None)


def told(
    event: Event,
    deliveries: list[Delivery],
    attempts: list[Shown] | None = None,
    entries: list[AuditEntry] | None = None,
) -> list[tuple[datetime | None, str]]:
    moments = timeline(event, deliveries, attempts or [], entries or [], now=NOW)
    return [(moment.at, moment.words) for moment in moments]


ACCEPTED = (at(-60), "It was accepted and stored. 1 endpoint wanted it.")


def test_an_event_that_nobody_wanted() -> None:
    assert told(an_event(), []) == [(at(-60), "It was accepted and stored. No endpoint wanted it.")]


def test_a_life_oldest_first_and_then_what_comes() -> None:
    dead = a_delivery(status="dead_letter", settled_at=at(-10))
    waiting = a_delivery(status="failed")
    attempts = [an_attempt(dead, minutes=-11), an_attempt(waiting, minutes=-30)]
    assert told(an_event(), [dead, waiting], attempts) == [
        (at(-60), "It was accepted and stored. 2 endpoints wanted it."),
        (at(-30), "Refused"),
        (at(-11), "Refused"),
        (at(-10), "It was given up: a dead letter, until somebody replays it."),
        (at(5), "Next attempt"),
    ]


def test_what_was_discarded_says_why() -> None:
    discarded = a_delivery(status="canceled", settled_at=at(-1), last_error="Discarded: the order was a test")
    assert told(an_event(), [discarded])[1:] == [(at(-1), "It was discarded: the order was a test")]


def test_what_waits_for_nobody_knows_how_long_comes_last() -> None:
    paused, planned = a_delivery(endpoint={"state": "paused"}), a_delivery(next_attempt_at=at(90))
    assert told(an_event(), [paused, planned])[1:] == [
        (at(90), "Next attempt"),
        (None, "It waits: its endpoint is paused."),
    ]


def test_an_endpoint_that_a_replay_added() -> None:
    added = a_delivery(status="delivered", created_at=at(-5))
    assert told(an_event(), [a_delivery(status="delivered"), added]) == [
        ACCEPTED,
        (at(-5), "A replay added this endpoint."),
    ]


def test_what_staff_did() -> None:
    delivery = a_delivery(status="canceled", settled_at=at(-1))
    entries = [
        AuditEntry(at=at(-9), actor_name="ada", action="event.replayed", after={"deliveries": 2}),
        AuditEntry(at=at(-8), actor_name="", action="delivery.replayed", object_id=str(delivery.pk)),
        AuditEntry(at=at(-7), actor_name="ada", action="something.else"),
        AuditEntry(at=at(-2), actor_name="bob", action="event.acknowledged", after={"canceled": 1}),
    ]
    moments = timeline(an_event(acknowledged_at=at(-2)), [delivery], [], entries, now=NOW)
    assert [(moment.words, moment.delivery) for moment in moments[1:]] == [
        ("ada sent it again to 2 endpoints.", None),
        ("A member of staff sent it again by hand.", delivery),
        ("bob acknowledged it.", None),
        ("It was canceled: it will not be sent.", delivery),
    ]


def test_who_acknowledged_by_the_api_is_not_known() -> None:
    event = an_event(acknowledged_at=at(-2))
    assert told(event, [])[1:] == [(at(-2), "It was acknowledged: settled by hand.")]


@pytest.mark.parametrize(("outcome", "tone"), [("delivered", "good"), ("rejected", "bad"), ("lost", "bad")])
def test_the_tone_of_an_attempt(outcome: str, tone: str) -> None:
    shown = an_attempt(a_delivery(status="delivered"), outcome=outcome)
    (moment,) = timeline(an_event(), [], [shown], [], now=NOW)[1:]
    assert moment == Moment(at(-59), tone, "Refused", shown.delivery, shown)


FAILING = {"circuit": "open", "probe_at": at(1)}
PROBING = "It waits: its endpoint fails, and one delivery at a time is let through to see whether it is back."


@pytest.mark.parametrize(
    ("delivery", "words", "when"),
    [
        ({}, "Next attempt", at(5)),
        ({"next_attempt_at": at(-1)}, "It is due: it goes out as soon as its endpoint takes it.", NOW),
        ({"claimed_until": at(1)}, "It is being sent at this moment.", NOW),
        ({"claimed_until": at(-1)}, "Next attempt", at(5)),
        ({"endpoint": {"deleted_at": at(-1)}}, "It will be canceled: its endpoint was deleted.", None),
        ({"endpoint": {"state": "paused"}}, "It waits: its endpoint is paused.", None),
        (
            {"endpoint": {"state": "disabled", "disabled_reason": "It answered 410."}},
            "It waits: its endpoint is disabled. It answered 410.",
            None,
        ),
        (
            {"endpoint": FAILING},
            "It waits: its endpoint fails, and the circuit is open until 12:01:00 UTC.",
            None,
        ),
        ({"endpoint": {**FAILING, "probe_at": at(-1)}}, PROBING, None),
        ({"endpoint": FAILING, "manual": True}, "Next attempt", at(5)),
        ({"endpoint": {**FAILING, "state": "paused"}}, "It waits: its endpoint is paused.", None),
    ],
)
def test_what_comes_next(delivery: dict[str, Any], words: str, when: datetime | None) -> None:
    found = what_comes_next(a_delivery(**delivery), now=NOW)
    assert found is not None
    assert (found.words, found.at, found.coming) == (words, when, True)


@pytest.mark.parametrize("status", ["delivered", "dead_letter", "canceled"])
def test_nothing_comes_next_of_what_is_settled(status: str) -> None:
    assert what_comes_next(a_delivery(status=status), now=NOW) is None


# --- The bar ------------------------------------------------------------------------------------------------------


def steps(duration_ms: int, **took: int) -> list[Step]:
    return steps_of(Attempt(duration_ms=duration_ms, **took))


def test_the_steps_lie_one_after_the_other() -> None:
    assert steps(200, dns_ms=20, connect_ms=30, tls_ms=50, first_byte_ms=80) == [
        Step("dns", "DNS", 20, 0, 100),
        Step("connect", "TCP", 30, 100, 150),
        Step("tls", "TLS", 50, 250, 250),
        Step("first-byte", "first byte", 80, 500, 400),
        Step("rest", "the rest", 20, 900, 100),
    ]


def test_what_was_waited_for_in_vain_is_named() -> None:
    assert [step.words for step in steps(5010, dns_ms=10)] == ["DNS 10 ms", "no connection for 5.0 s"]
    assert [step.words for step in steps(30_000, connect_ms=10)] == ["TCP 10 ms", "no answer for 30.0 s"]


@pytest.mark.parametrize(
    "took", [{"connect_ms": 0, "first_byte_ms": 0}, {"connect_ms": 3, "first_byte_ms": 4}]
)
def test_what_is_rounded_stays_within_the_bar(took: dict[str, int]) -> None:
    drawn = steps(5, **took)
    assert all(step.x + step.width <= WIDE for step in drawn)


def test_nothing_timed_is_no_bar() -> None:
    assert steps(17) == []


@pytest.mark.parametrize(
    ("took", "was_kept"),
    [({"first_byte_ms": 3}, True), ({"connect_ms": 1, "first_byte_ms": 3}, False), ({}, False)],
)
def test_a_kept_connection(took: dict[str, int], was_kept: bool) -> None:
    assert kept(Attempt(duration_ms=5, **took)) is was_kept

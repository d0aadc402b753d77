import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q
from django.db.models.functions import Now

from deliveries.backoff import Verdict
from deliveries.claim import Claimed
from deliveries.models import Attempt, Delivery
from deliveries.outcome import TIMEOUT, Outcome
from deliveries.progress import Timings
from deliveries.settle import settle
from tests.deliveries.engine_room import BAD, GOOD, answer, claim, on_a_connection, settle_as
from tests.factories import ahead, make_delivery, make_endpoint, make_organization

pytestmark = pytest.mark.usefixtures("committed")


def claimed(**fields: object) -> Claimed:
    """A delivery that was just claimed."""
    make_delivery(make_endpoint(make_organization()), **fields)
    (found,) = claim()
    return found


def now_of(delivery: Claimed) -> Delivery:
    return Delivery.objects.get(pk=delivery.id)


def is_due_in(delivery: Claimed, seconds: float) -> bool:
    """Whether its next attempt is so many seconds away, give or take two."""
    wanted = Q(
        next_attempt_at__range=(
            Now() + timedelta(seconds=seconds - 2),
            Now() + timedelta(seconds=seconds + 2),
        )
    )
    return Delivery.objects.filter(wanted, pk=delivery.id).exists()


def press_send_now(delivery: Claimed) -> int:
    return Delivery.objects.filter(pk=delivery.id).send_now()


# --- Each transition ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["pending", "failed"])
def test_delivered(before: str) -> None:
    delivery = claimed(status=before, attempts=1, last_error="old", last_status_code=500)
    assert settle_as(delivery, GOOD, "delivered") == {delivery.id: "delivered"}
    after = now_of(delivery)
    assert (after.status, after.attempts, after.next_attempt_at) == ("delivered", 2, None)
    assert (after.last_status_code, after.last_error, after.claimed_until) == (204, "", None)
    assert Delivery.objects.filter(settled_at__lte=Now()).exists()


@pytest.mark.parametrize("before", ["pending", "failed"])
def test_failed(before: str) -> None:
    delivery = claimed(status=before)
    assert settle_as(delivery, BAD, "failed", wait=300.0) == {delivery.id: "failed"}
    after = now_of(delivery)
    assert is_due_in(delivery, 300)
    assert (after.status, after.attempts, after.settled_at, after.claimed_until) == ("failed", 1, None, None)
    assert (after.last_status_code, after.last_error) == (500, "The receiver answered 500.")


def test_given_up() -> None:
    delivery = claimed(status="failed", attempts=4)
    assert settle_as(delivery, BAD, "dead_letter") == {delivery.id: "dead_letter"}
    after = now_of(delivery)
    assert (after.status, after.attempts, after.next_attempt_at) == ("dead_letter", 5, None)
    assert after.settled_at is not None
    assert after.last_error == "The receiver answered 500."


def test_the_attempt_is_noted() -> None:
    delivery = claimed()
    settle_as(delivery, BAD, "failed", wait=5.0)
    assert Attempt.objects.values().get() == {
        "delivery_id": uuid.UUID(delivery.id),
        "number": 1,
        "started_at": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "duration_ms": 17,
        "outcome": "rejected",
        "status_code": 500,
        "error": "The receiver answered 500.",
        "response_headers": {"Server": "x"},
        "response_body": "oops",
        "next_attempt_at": now_of(delivery).next_attempt_at,
        "manual": False,
        "dns_ms": None,
        "connect_ms": None,
        "tls_ms": None,
        "first_byte_ms": None,
    }


def test_how_long_its_steps_took_is_noted() -> None:
    settle_as(claimed(), replace(GOOD, timings=Timings(1, 2, 3, 4)), "delivered")
    assert Attempt.objects.values_list("dns_ms", "connect_ms", "tls_ms", "first_byte_ms").get() == (
        1,
        2,
        3,
        4,
    )


def test_an_attempt_without_answer_has_no_status_code() -> None:
    delivery = claimed()
    settle_as(delivery, Outcome(TIMEOUT, error="Late."), "dead_letter")
    assert (now_of(delivery).last_status_code, Attempt.objects.get().status_code) == (None, None)
    assert Attempt.objects.get().next_attempt_at is None


def test_many_are_settled_at_once_each_by_its_own_answer() -> None:
    endpoint = make_endpoint(make_organization())
    for _ in range(3):
        make_delivery(endpoint)
    one, two, three = claim()
    answers = [
        answer(one, GOOD, Verdict("delivered")),
        answer(two, BAD, Verdict("failed", 5.0)),
        answer(three, BAD, Verdict("dead_letter")),
    ]
    moved = on_a_connection(lambda connection: settle(connection, answers))
    assert moved == {one.id: "delivered", two.id: "failed", three.id: "dead_letter"}
    assert {str(delivery.pk): delivery.status for delivery in Delivery.objects.all()} == moved


# --- Who comes too late -------------------------------------------------------------------------------------------


def test_a_late_loser_changes_nothing_and_leaves_no_attempt() -> None:
    loser = claimed()
    Delivery.objects.update(next_attempt_at=Now())
    (winner,) = claim()
    settle_as(winner, BAD, "failed", wait=300.0)
    before = Delivery.objects.values().get()
    assert settle_as(loser, GOOD, "delivered") == {}
    assert Delivery.objects.values().get() == before
    assert list(Attempt.objects.values_list("number", flat=True)) == [2]


def test_a_late_loser_changes_nothing_while_another_is_sending() -> None:
    loser = claimed()
    Delivery.objects.update(next_attempt_at=Now())
    claim()
    before = Delivery.objects.values().get()
    assert settle_as(loser, BAD, "dead_letter") == {}
    assert Delivery.objects.values().get() == before


def test_two_answers_to_one_delivery_in_one_batch_settle_it_once() -> None:
    loser = claimed()
    Delivery.objects.update(next_attempt_at=Now())
    (winner,) = claim()
    answers = [answer(loser, BAD, Verdict("dead_letter")), answer(winner, GOOD, Verdict("delivered"))]
    assert on_a_connection(lambda connection: settle(connection, answers)) == {winner.id: "delivered"}


def test_what_was_canceled_meanwhile_stays_so_and_the_attempt_is_noted() -> None:
    delivery = claimed()
    Delivery.objects.all().cancel()
    canceled_at = now_of(delivery).settled_at
    assert settle_as(delivery, BAD, "failed", wait=5.0) == {delivery.id: "canceled"}
    after = now_of(delivery)
    assert (after.status, after.next_attempt_at, after.settled_at) == ("canceled", None, canceled_at)
    assert Attempt.objects.get().next_attempt_at is None


def test_what_was_canceled_meanwhile_but_arrived_is_delivered() -> None:
    delivery = claimed()
    Delivery.objects.all().cancel()
    assert settle_as(delivery, GOOD, "delivered") == {delivery.id: "delivered"}
    assert now_of(delivery).settled_at is not None


def test_a_delivery_that_is_gone_is_no_error() -> None:
    delivery = claimed()
    Delivery.objects.all().delete()
    assert settle_as(delivery, GOOD, "delivered") == {}


def test_an_answer_that_can_not_be_stored_takes_no_other_with_it() -> None:
    endpoint = make_endpoint(make_organization())
    for _ in range(2):
        make_delivery(endpoint)
    bad, good = claim()
    answers = [
        answer(bad, replace(BAD, body="\x00"), Verdict("failed", 5.0)),
        answer(good, GOOD, Verdict("delivered")),
    ]
    assert on_a_connection(lambda connection: settle(connection, answers)) == {good.id: "delivered"}
    assert now_of(bad).claimed_until is not None


# --- Sent by hand -------------------------------------------------------------------------------------------------


def test_a_failure_by_hand_leaves_the_automatic_attempts_alone() -> None:
    planned = ahead(hours=1)
    make_delivery(make_endpoint(make_organization()), status="failed", attempts=3, next_attempt_at=planned)
    Delivery.objects.all().send_now()
    (delivery,) = claim()
    assert settle_as(delivery, BAD, "failed", wait=0.0) == {delivery.id: "failed"}
    after = now_of(delivery)
    assert (after.attempts, after.next_attempt_at, after.resume_at, after.manual) == (3, planned, None, False)
    assert Attempt.objects.get().manual is True


def test_after_a_failure_by_hand_a_longer_retry_after_is_waited_for() -> None:
    make_delivery(make_endpoint(make_organization()), status="failed", next_attempt_at=ahead(seconds=60))
    Delivery.objects.all().send_now()
    (delivery,) = claim()
    settle_as(delivery, BAD, "failed", wait=600.0)
    assert is_due_in(delivery, 600)


def test_a_success_by_hand_settles_and_counts_no_attempt() -> None:
    make_delivery(
        make_endpoint(make_organization()), status="failed", attempts=3, next_attempt_at=ahead(hours=1)
    )
    Delivery.objects.all().send_now()
    (delivery,) = claim()
    settle_as(delivery, GOOD, "delivered")
    after = now_of(delivery)
    assert (after.status, after.attempts, after.resume_at, after.next_attempt_at) == (
        "delivered",
        3,
        None,
        None,
    )


def test_pressed_in_flight_a_failure_is_sent_again_at_once_and_then_goes_on_as_planned() -> None:
    delivery = claimed()
    assert press_send_now(delivery) == 1
    settle_as(delivery, BAD, "failed", wait=300.0)
    assert is_due_in(delivery, 0)
    assert (now_of(delivery).attempts, now_of(delivery).manual) == (1, True)
    (again,) = claim()
    settle_as(again, BAD, "failed", wait=0.0)
    assert is_due_in(again, 300)
    assert (now_of(again).attempts, now_of(again).manual) == (1, False)


def test_pressed_in_flight_a_success_is_not_sent_again() -> None:
    delivery = claimed()
    press_send_now(delivery)
    settle_as(delivery, GOOD, "delivered")
    after = now_of(delivery)
    assert (after.status, after.manual, after.next_attempt_at) == ("delivered", False, None)


def test_pressed_during_the_last_attempt_it_starts_again_with_all_its_attempts() -> None:
    delivery = claimed(status="failed", attempts=4)
    press_send_now(delivery)
    settle_as(delivery, BAD, "dead_letter")
    after = now_of(delivery)
    assert (after.status, after.attempts, after.settled_at) == ("pending", 0, None)
    assert is_due_in(delivery, 0)


def test_pressed_and_canceled_in_flight_it_stays_canceled() -> None:
    delivery = claimed()
    press_send_now(delivery)
    Delivery.objects.all().cancel()
    settle_as(delivery, BAD, "failed", wait=5.0)
    assert (now_of(delivery).status, now_of(delivery).manual) == ("canceled", False)


# --- When a confirmation gets lost --------------------------------------------------------------------------------


def test_what_was_written_already_is_not_written_again() -> None:
    delivery = claimed()
    told = answer(delivery, BAD, Verdict("failed", 60))
    first = on_a_connection(lambda connection: settle(connection, [told]))
    again = on_a_connection(lambda connection: settle(connection, [told]))
    assert (first, again) == ({delivery.id: "failed"}, {})
    assert (now_of(delivery).attempts, Attempt.objects.count()) == (1, 1)


def test_an_answer_from_before_a_replay_changes_nothing() -> None:
    delivery = claimed()
    Delivery.objects.filter(pk=delivery.id).cancel()
    Delivery.objects.filter(pk=delivery.id).replay()
    told = answer(delivery, BAD, Verdict("dead_letter"))
    moved = on_a_connection(lambda connection: settle(connection, [told]))
    assert (moved, now_of(delivery).status) == ({}, "pending")

import pytest

from deliveries.backoff import Verdict, verdict, wait_after
from deliveries.outcome import DELIVERED, REJECTED, TIMEOUT, Outcome

SCHEDULE = [5, 300, 1800, 7200]
FAILED = Outcome(TIMEOUT)


def after(outcome: Outcome, *, attempt: int = 1, jitter: float = 0.0) -> Verdict:
    return verdict(outcome, attempt=attempt, schedule=SCHEDULE, jitter=jitter)


def test_the_waits_are_those_of_the_schedule() -> None:
    waits = [wait_after(attempt, schedule=SCHEDULE, jitter=0.0) for attempt in range(1, 6)]
    assert waits == [5, 300, 1800, 7200, None]


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 300), (0.5, 330), (1.0, 360)])
def test_jitter_adds_up_to_a_fifth_and_takes_nothing_off(jitter: float, wait: float) -> None:
    assert wait_after(2, schedule=SCHEDULE, jitter=jitter) == pytest.approx(wait, abs=1e-9)


def test_without_schedule_there_is_one_attempt() -> None:
    assert wait_after(1, schedule=[], jitter=0.0) is None


def test_what_was_delivered_is_done() -> None:
    assert after(Outcome(DELIVERED, 204), attempt=5) == Verdict("delivered")


def test_what_failed_waits_for_its_next_attempt() -> None:
    assert after(FAILED, attempt=4) == Verdict("failed", 7200)


def test_what_failed_for_the_last_time_is_given_up() -> None:
    assert after(FAILED, attempt=5) == Verdict("dead_letter")


def test_what_is_gone_is_given_up_at_once() -> None:
    assert after(Outcome(REJECTED, 410)) == Verdict("dead_letter")


@pytest.mark.parametrize(
    ("asked", "attempt", "wait"),
    [
        (60.0, 1, 60),  # longer than the schedule's
        (60.0, 2, 300),  # shorter
        (0.0, 1, 5),
        (86_400.0, 1, 86_400),
    ],
)
def test_a_retry_after_is_waited_for(asked: float, attempt: int, wait: float) -> None:
    assert after(Outcome(REJECTED, 429, retry_after=asked), attempt=attempt) == Verdict("failed", wait)


def test_a_retry_after_gives_no_attempt_more() -> None:
    assert after(Outcome(REJECTED, 503, retry_after=60.0), attempt=5) == Verdict("dead_letter")

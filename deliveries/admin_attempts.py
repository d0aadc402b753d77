"""Attempts in words, for a delivery's page. (Their key is composite, which Django's inlines can't show.)"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from deliveries import outcome
from deliveries.models import Attempt, Delivery
from deliveries.querysets import DISCARDED, OPEN
from organizations.admin_words import in_utc

MOST_SHOWN = 100

WORDS = {
    outcome.DELIVERED: "Delivered",
    outcome.REJECTED: "Refused",
    outcome.TIMEOUT: "Timed out",
    outcome.UNREACHABLE: "No connection",
    outcome.BROKEN: "Connection broke",
    outcome.FORBIDDEN: "Not called",
    outcome.UNSENT: "Not sent",
    outcome.LOST: "Worker died",
}


@dataclass(frozen=True)
class Shown:
    """An attempt, what came of it, and what came next."""

    attempt: Attempt
    words: str
    next: str
    is_last: bool


def shown_attempts(delivery: Delivery) -> list[Shown]:
    """The latest MOST_SHOWN, in the order in which they were made."""
    latest = list(Attempt.objects.filter(delivery=delivery).order_by("-number")[:MOST_SHOWN])
    return list(_told(list(reversed(latest)), delivery))


def _told(attempts: list[Attempt], delivery: Delivery) -> Iterator[Shown]:
    for attempt, after in zip_longest(attempts, attempts[1:]):
        words = WORDS.get(attempt.outcome, attempt.outcome)
        yield Shown(attempt, words, _what_came_next(attempt, after, delivery), after is None)


def _what_came_next(attempt: Attempt, after: Attempt | None, delivery: Delivery) -> str:
    if attempt.outcome == outcome.DELIVERED:
        words = "Delivered: nothing more to do."
    elif attempt.next_attempt_at is not None:
        words = f"Planned to be tried again at {in_utc(attempt.next_attempt_at)}."
    elif attempt.status_code == 410:
        words = "Given up: the receiver wants nothing more, and the endpoint was disabled."
    elif after is None and delivery.last_error.startswith(DISCARDED):
        words = "Given up: it became a dead letter. Then it was discarded."
    elif after is None and delivery.status == Delivery.Status.CANCELED:
        words = "Canceled: it will not be tried again."
    else:
        words = "Given up: it became a dead letter."
    if attempt.next_attempt_at is None and (after is not None or delivery.status in OPEN):
        words += " Then it was replayed."
    return words

"""Attempts in words, for the pages of a delivery and of an event. (Their key is composite, which Django's inlines can't
show.)"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from django.utils.html import format_html

from deliveries import outcome
from deliveries.admin_timings import Step, kept, steps_of
from deliveries.models import Attempt, Delivery
from deliveries.querysets import DISCARDED, OPEN
from deliveries.sent_request import SentRequest, SentRequests
from organizations.admin_words import exactly

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
    """An attempt, what was sent, how long it took, what came of it, and what came next."""

    attempt: Attempt
    delivery: Delivery
    words: str
    next: str
    is_last: bool
    steps: list[Step]
    kept: bool
    request: SentRequest | None


def shown_attempts(deliveries: Sequence[Delivery], requests: SentRequests) -> list[Shown]:
    """The latest MOST_SHOWN of all of them, delivery by delivery, each in the order in which they were made."""
    latest = Attempt.objects.filter(delivery__in=deliveries).order_by("-started_at", "-number")[:MOST_SHOWN]
    of: dict[uuid.UUID, list[Attempt]] = {}
    for attempt in sorted(latest, key=lambda attempt: attempt.number):
        of.setdefault(attempt.delivery_id, []).append(attempt)
    return [shown for delivery in deliveries for shown in _told(of.get(delivery.pk, []), delivery, requests)]


def _told(attempts: list[Attempt], delivery: Delivery, requests: SentRequests) -> Iterator[Shown]:
    for attempt, after in zip_longest(attempts, attempts[1:]):
        yield Shown(
            attempt,
            delivery,
            words=WORDS.get(attempt.outcome, attempt.outcome),
            next=_what_came_next(attempt, after, delivery),
            is_last=after is None,
            steps=steps_of(attempt),
            kept=kept(attempt),
            request=requests.of(attempt, delivery),
        )


def _what_came_next(attempt: Attempt, after: Attempt | None, delivery: Delivery) -> str:
    if attempt.outcome == outcome.DELIVERED:
        words = "Delivered: nothing more to do."
    elif attempt.next_attempt_at is not None:
        words = format_html("Planned to be tried again at {}.", exactly(attempt.next_attempt_at))
    elif attempt.status_code == 410:
        words = "Given up: the receiver wants nothing more, and the endpoint was disabled."
    elif after is None and delivery.last_error.startswith(DISCARDED):
        words = "Given up: it became a dead letter. Then it was discarded."
    elif after is None and delivery.status == Delivery.Status.CANCELED:
        words = "Canceled: it will not be tried again."
    else:
        words = "Given up: it became a dead letter."
    if attempt.next_attempt_at is None and (after is not None or delivery.status in OPEN):
        words = format_html("{} Then it was replayed.", words)
    return words

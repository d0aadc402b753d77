"""How an endpoint is doing, in a sentence: what its page says first."""

import math
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deliveries.models import Endpoint
from deliveries.traffic_figures import Sums
from organizations.admin_words import ago, percent
from organizations.models import AuditEntry

ANSWERS_WELL = 0.95  # of attempts; below it is said to fail often
SELDOM = 0.5  # below that it is as good as down


class Health(NamedTuple):
    """`level`: good, warn, bad or calm, which is none of these. `note`: what follows from it, or who did it."""

    level: str
    words: str
    note: str = ""


def health_of(endpoint: Endpoint, day: Sums) -> Health:
    """What keeps it from being sent to, if anything does; else how it answered in the last day."""
    if endpoint.deleted_at is not None:
        return Health("bad", "Deleted", "Nothing is sent there any more. Its history stays.")
    if endpoint.state == Endpoint.State.DISABLED:
        why = endpoint.disabled_reason or "It was disabled."
        return Health("bad", "Disabled", f"{why} What it wants is kept, and waits until it is resumed.")
    if endpoint.state == Endpoint.State.PAUSED:
        return Health("warn", "Paused", who_paused(endpoint))
    if endpoint.circuit != Endpoint.Circuit.CLOSED:
        return _circuit(endpoint)
    return _answers(day)


def _circuit(endpoint: Endpoint) -> Health:
    failures = f"{endpoint.consecutive_failures:,} failures in a row"
    note = f"After {failures}, one delivery at a time is tried. What waits meanwhile loses no attempt."
    if endpoint.circuit == Endpoint.Circuit.HALF_OPEN:
        return Health("warn", "Circuit is half open: one delivery is being tried now", note)
    return Health("bad", f"Circuit is open: next try {soon(endpoint.probe_at)}", note)


def _answers(day: Sums) -> Health:
    rate = day.success_rate
    if rate is None:
        return Health("calm", "Nothing was sent there in the last day")
    words = f"{percent(rate)} of attempts in the last day"
    if rate >= ANSWERS_WELL:
        return Health("good", f"Answering: {words}")
    if rate >= SELDOM:
        return Health("warn", f"Fails often: {words} were delivered")
    if rate:
        return Health("bad", f"Hardly answers: {words} were delivered")
    return Health("bad", "Down: not one attempt in the last day was delivered")


def who_paused(endpoint: Endpoint) -> SafeString:
    """A tenant's pauses, by the API, are not in the audit log."""
    waits = "What it wants is kept, and waits until it is resumed."
    moves = AuditEntry.objects.about(endpoint).filter(action__in=("endpoint.paused", "endpoint.resumed"))
    last = moves.first()
    if last is None or last.action != "endpoint.paused":
        return format_html("By its tenant, through the API. {}", waits)
    return format_html("By {}, {}. {}", last.actor_name, ago(last.at), waits)


def soon(moment: datetime | None) -> str:
    """`in 40 s`, or `now`."""
    seconds = math.ceil((moment - timezone.now()).total_seconds()) if moment else 0
    return f"in {seconds} s" if seconds > 0 else "now"

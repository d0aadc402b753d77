"""The life of an event as a list of moments: what happened, oldest first, and then what comes next and why not yet."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deliveries.admin_attempts import Shown
from deliveries.models import Delivery, Endpoint
from deliveries.outcome import DELIVERED
from deliveries.querysets import DISCARDED
from events.models import Event
from organizations.admin_words import how_many
from organizations.models import AuditEntry

GOOD, BAD, WAITS, CALM = "good", "bad", "warn", "calm"
LATER = timedelta(seconds=1)  # after the event: its deliveries are made with it, any other by a replay

EVENT_ACTIONS = {
    "event.replayed": "sent it again to {deliveries}",
    "event.acknowledged": "acknowledged it",
}
DELIVERY_ACTIONS = {"delivery.replayed": "sent it again by hand"}


@dataclass(frozen=True)
class Moment:
    """A sentence and when. `coming`: it has not happened yet; without `at` nobody knows when it will."""

    at: datetime | None
    tone: str
    words: str
    delivery: Delivery | None = None  # which is named with it
    shown: Shown | None = None  # the attempt that it is
    coming: bool = False


def timeline(
    event: Event,
    deliveries: Sequence[Delivery],
    attempts: Sequence[Shown],
    entries: Iterable[AuditEntry],
    *,
    now: datetime,
) -> list[Moment]:
    """`entries`: of the audit log, about the event and its deliveries; the deliveries have their endpoints at hand."""
    entries = list(entries)
    moments = [
        _accepted(event, deliveries),
        *(_added(delivery) for delivery in deliveries if _came_later(event, delivery)),
        *(_attempted(shown) for shown in attempts),
        *_by_staff(entries, deliveries),
        *(ended for delivery in deliveries if (ended := _ended(delivery))),
        *(next_ for delivery in deliveries if (next_ := what_comes_next(delivery, now=now))),
    ]
    if event.acknowledged_at and not any(entry.action == "event.acknowledged" for entry in entries):
        moments.append(Moment(event.acknowledged_at, CALM, "It was acknowledged: settled by hand."))
    return sorted(moments, key=_place)


def _place(moment: Moment) -> tuple[bool, bool, float]:
    """What happened, what is planned, what nobody knows the time of."""
    return moment.coming, moment.at is None, moment.at.timestamp() if moment.at else 0.0


def _came_later(event: Event, delivery: Delivery) -> bool:
    return delivery.created_at - event.created_at > LATER


def _accepted(event: Event, deliveries: Sequence[Delivery]) -> Moment:
    wanted = sum(not _came_later(event, delivery) for delivery in deliveries)
    words = f"{how_many(wanted, 'endpoint')} wanted it." if wanted else "No endpoint wanted it."
    return Moment(event.created_at, CALM, f"It was accepted and stored. {words}")


def _added(delivery: Delivery) -> Moment:
    return Moment(delivery.created_at, CALM, "A replay added this endpoint.", delivery)


def _attempted(shown: Shown) -> Moment:
    tone = GOOD if shown.attempt.outcome == DELIVERED else BAD
    return Moment(shown.attempt.started_at, tone, shown.words, shown.delivery, shown)


def _by_staff(entries: Iterable[AuditEntry], deliveries: Sequence[Delivery]) -> Iterator[Moment]:
    by_id = {str(delivery.pk): delivery for delivery in deliveries}
    for entry in entries:
        who = entry.actor_name or "A member of staff"
        words = {**EVENT_ACTIONS, **DELIVERY_ACTIONS}.get(entry.action, "")
        if words:
            number = how_many(entry.after.get("deliveries", 0), "endpoint")
            yield Moment(
                entry.at, CALM, f"{who} {words.format(deliveries=number)}.", by_id.get(entry.object_id)
            )


def _ended(delivery: Delivery) -> Moment | None:
    """What was delivered says so with its attempt."""
    if delivery.status == Delivery.Status.DEAD_LETTER:
        return Moment(
            delivery.settled_at, BAD, "It was given up: a dead letter, until somebody replays it.", delivery
        )
    if delivery.status == Delivery.Status.CANCELED and delivery.last_error.startswith(DISCARDED):
        why = delivery.last_error.removeprefix(DISCARDED)
        return Moment(delivery.settled_at, CALM, f"It was discarded: {why}", delivery)
    if delivery.status == Delivery.Status.CANCELED:
        return Moment(delivery.settled_at, CALM, "It was canceled: it will not be sent.", delivery)
    return None


def what_comes_next(delivery: Delivery, *, now: datetime) -> Moment | None:
    """None for what is settled."""
    due = delivery.next_attempt_at
    if due is None:
        return None
    if delivery.claimed_until is not None and delivery.claimed_until > now:
        return Moment(now, WAITS, "It is being sent at this moment.", delivery, coming=True)
    if waits := _why_it_waits(delivery, now):
        return Moment(None, WAITS, waits, delivery, coming=True)
    if due <= now:
        return Moment(
            now, WAITS, "It is due: it goes out as soon as its endpoint takes it.", delivery, coming=True
        )
    return Moment(due, WAITS, "Next attempt", delivery, coming=True)


def _why_it_waits(delivery: Delivery, now: datetime) -> str:
    """Nothing when it need not: what is sent by hand goes past a circuit."""
    endpoint = delivery.endpoint
    if endpoint.deleted_at is not None:
        return "It will be canceled: its endpoint was deleted."
    if endpoint.state == Endpoint.State.PAUSED:
        return "It waits: its endpoint is paused."
    if endpoint.state == Endpoint.State.DISABLED:
        return f"It waits: its endpoint is disabled. {endpoint.disabled_reason}".strip()
    by_hand = delivery.manual or delivery.test
    if endpoint.circuit == Endpoint.Circuit.CLOSED or by_hand or endpoint.probe_at is None:
        return ""
    if endpoint.probe_at > now:
        return (
            f"It waits: its endpoint fails, and the circuit is open until {endpoint.probe_at:%H:%M:%S} UTC."
        )
    return (
        "It waits: its endpoint fails, and one delivery at a time is let through to see whether it is back."
    )

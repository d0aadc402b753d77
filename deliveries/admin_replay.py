"""Replaying and discarding from the admin: what would be moved, asked first and then done once.

A page that asks carries what it saw (`as_of`, `seen`), and its POST moves only what is still so: whoever presses twice
replays once, and what died after the page was drawn is not swept along.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from deliveries.fan_out import WANTED
from deliveries.models import Delivery, Endpoint
from deliveries.querysets import SETTLED, DeliveryQuerySet
from deliveries.replay import replay_event, send_again
from events.models import Event
from organizations.admin_lists import SECONDS
from organizations.audit import Actor, record
from organizations.audit_values import changes
from organizations.patience import TookTooLong, patience
from organizations.sql import run

ROWS_SHOWN = 12
# One UPDATE of so many takes 5 to 10 s on two cores; more are chosen in parts.
MOST_AT_ONCE = 200_000

_NEW_ENDPOINTS = f"""
SELECT endpoint.id FROM deliveries_endpoint AS endpoint
WHERE organization_id = %(organization)s AND deleted_at IS NULL AND {WANTED.format(type="%(type)s::text")}
AND NOT EXISTS (SELECT FROM deliveries_delivery WHERE event_id = %(event)s AND endpoint_id = endpoint.id)
"""


# --- Many, chosen in a list ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What a replay or a discard of many would do. `rows`: the largest groups, each with its endpoint and number."""

    deliveries: int
    endpoints: int
    tenants: int
    rows: list[dict[str, Any]]
    as_of: datetime

    @property
    def endpoints_not_shown(self) -> int:
        return self.endpoints - len(self.rows)


def replayable(chosen: "QuerySet[Any]", *, as_of: datetime) -> DeliveryQuerySet:
    """Those of the chosen that were settled by then and still are, and whose endpoint is there.

    The conditions stand on the row itself, with no join: only so does PostgreSQL ask them again of a row that somebody
    else has just moved.
    """
    return Delivery.objects.filter(
        pk__in=chosen.order_by().values("pk"),
        status__in=SETTLED,
        settled_at__lte=as_of,
        endpoint_id__in=_present(),
    )


def discardable(chosen: "QuerySet[Any]", *, as_of: datetime) -> DeliveryQuerySet:
    """Those of the chosen that were dead letters by then and still are."""
    dead = Delivery.objects.dead().filter(settled_at__lte=as_of)
    return dead.filter(pk__in=chosen.order_by().values("pk"))


def plan(chosen: "QuerySet[Any]", *, to_discard: bool = False) -> Plan | None:
    """None when it is more than MOST_AT_ONCE, or takes too long to find out."""
    as_of = run("SELECT clock_timestamp() AS now", {})[0]["now"]
    # As `replayable` and `discardable`, but with nobody to wait for: the list's own rows, which an index may count.
    deliveries = chosen.order_by().filter(settled_at__lte=as_of)
    if to_discard:
        deliveries = deliveries.filter(status=Delivery.Status.DEAD_LETTER)
    else:
        deliveries = deliveries.filter(status__in=SETTLED, endpoint_id__in=_present())
    try:
        with patience(SECONDS):
            if deliveries.values("pk")[: MOST_AT_ONCE + 1].count() > MOST_AT_ONCE:
                return None
            found = list(
                deliveries.values("organization_id", "endpoint_id")
                .annotate(number=Count("pk"))
                .order_by("-number", "endpoint_id")
            )
    except TookTooLong:
        return None
    return Plan(
        deliveries=sum(row["number"] for row in found),
        endpoints=len({row["endpoint_id"] for row in found}),
        tenants=len({row["organization_id"] for row in found}),
        rows=_with_endpoints(found[:ROWS_SHOWN]),
        as_of=as_of,
    )


def _present() -> "QuerySet[Any]":
    return Endpoint.objects.present().order_by().values("pk")


def _with_endpoints(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    endpoints = Endpoint.objects.select_related("organization").in_bulk([row["endpoint_id"] for row in rows])
    shown = [{**row, "endpoint": endpoints.get(row["endpoint_id"])} for row in rows]
    return [row for row in shown if row["endpoint"]]


@dataclass(frozen=True)
class Asked:
    """When the page that asked was drawn, and who answered it."""

    as_of: datetime
    actor: Actor


def replay_ticked(ticked: "QuerySet[Any]", asked: Asked) -> int:
    """Those with a tick: each has its own entry in the audit log."""
    with transaction.atomic():
        locked = replayable(ticked, as_of=asked.as_of).select_for_update().order_by("pk")
        moving = list(locked)
        moved = send_again(Delivery.objects.filter(pk__in=[delivery.pk for delivery in moving]))
        for delivery in moving:
            note(asked.actor, delivery)
    return moved


def discard_ticked(ticked: "QuerySet[Any]", asked: Asked, *, reason: str) -> int:
    """As `replay_ticked`. Why is kept with each."""
    with transaction.atomic():
        moving = list(discardable(ticked, as_of=asked.as_of).select_for_update().order_by("pk"))
        moved = Delivery.objects.filter(pk__in=[delivery.pk for delivery in moving]).discard(reason)
        for delivery in moving:
            after = {"status": Delivery.Status.CANCELED.value, "reason": reason}
            record(
                asked.actor,
                "delivery.discarded",
                row=delivery,
                before={"status": delivery.status},
                after=after,
            )
    return moved


# --- One ----------------------------------------------------------------------------------------------------------


def state_of(delivery: Delivery) -> str:
    """What a page has seen of a delivery; every move changes it."""
    return f"{delivery.status}.{delivery.claim}.{int(delivery.manual)}"


def replay_one(delivery: Delivery, *, seen: str, actor: Actor) -> int:
    """Sends it again if it is still as it was seen. 1, or 0."""
    if state_of(delivery) != seen:
        return 0
    as_seen = Delivery.objects.filter(
        pk=delivery.pk, status=delivery.status, claim=delivery.claim, manual=delivery.manual
    )
    with transaction.atomic():
        moved = send_again(as_seen)
        if moved:
            note(actor, delivery)
    return moved


# --- An event -----------------------------------------------------------------------------------------------------


def event_targets(event: Event) -> tuple[list[Delivery], list[Endpoint]]:
    """Its deliveries that would be sent again, and the endpoints that want it and did not get it yet."""
    deliveries = Delivery.objects.filter(event=event, endpoint__deleted_at__isnull=True)
    found = run(
        _NEW_ENDPOINTS, {"organization": event.organization_id, "type": event.type, "event": event.pk}
    )
    new = Endpoint.objects.filter(pk__in=[row["id"] for row in found])
    return list(deliveries.select_related("endpoint").order_by("pk")), list(new.order_by("pk"))


def state_of_event(event_id: uuid.UUID) -> str:
    """What a page has seen of all deliveries of an event."""
    states = [state_of(delivery) for delivery in Delivery.objects.filter(event_id=event_id).order_by("pk")]
    return hashlib.sha256("\n".join(states).encode()).hexdigest()[:32]


def replay_event_once(event: Event, *, seen: str, actor: Actor) -> int | None:
    """How many deliveries are on their way now; None when something has changed since it was `seen`."""
    with transaction.atomic():
        # Whoever presses at the same time waits here, and then sees what the first one did.
        Event.objects.select_for_update().defer("payload").get(pk=event.pk)
        if state_of_event(event.pk) != seen:
            return None
        moved = replay_event(event)
        if not moved:
            return 0
        record(actor, "event.replayed", row=event, after={"deliveries": moved})
    return moved


def note(actor: Actor, delivery: Delivery) -> None:
    """An entry in the audit log; `delivery` is as it was before."""
    now = Delivery.objects.get(pk=delivery.pk)
    before, after = changes(*(_moving_parts(row) for row in (delivery, now)))
    record(actor, "delivery.replayed", row=delivery, before=before, after=after)


def _moving_parts(delivery: Delivery) -> dict[str, Any]:
    return {"status": delivery.status, "attempts": delivery.attempts, "manual": delivery.manual}

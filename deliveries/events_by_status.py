"""The events that have a status, newest first (`GET /api/inbox?status=`).

A status is stored nowhere: it follows from the deliveries (`event_status.py`). So a list begins where an index knows
the few that may be in it, or walks the events from the newest where nearly all are. Left to choose, PostgreSQL would
take events and deliveries for independent, and rather hash 500,000 of them.

A way is a list of parts, each of them ids, newest first; none is in two parts, and together they are the list.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce

from deliveries.event_status import BY_DELIVERIES, OF_DELIVERIES
from deliveries.models import Delivery
from deliveries.querysets import DeliveryQuerySet
from events.models import Event
from events.querysets import EventQuerySet
from organizations.models import Organization
from organizations.querysets import older

WALKED = 3_000  # events, before what is pending is looked for by its deliveries: some 10 ms
MANY_OPEN = 20_000  # deliveries of a tenant: from so many on the newest events are walked first
SPARE = 4  # times as many deliveries as events are asked for: of some another delivery tells
ALL = 1_000_000_000
IN_TROUBLE = ("failed", "dead_letter")
Way = list["QuerySet[Any]"]


@dataclass(frozen=True)
class Listed:
    """Which events: the organization's, of this type, below this id. `most` of them are asked for."""

    organization: Organization
    event_type: str | None
    below: uuid.UUID | None
    most: int

    @property
    def waiting(self) -> EventQuerySet:
        events = Event.objects.newest_of(self.organization).of_type(self.event_type).unacknowledged()
        return older(events, self.organization, self.below) if self.below else events

    def of_these(self, deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
        found = deliveries.matching(event_type=self.event_type)
        return found.filter(event_id__lt=self.below) if self.below else found


def ways_to(listed: Listed, status: str) -> Iterator[Way]:
    """The last finds all of them; each before it is quicker, and does when it finds `most`."""
    if status in IN_TROUBLE:
        yield [_in_trouble(listed, status)]
    elif status == "pending":
        yield from _to_pending(listed)
    else:
        yield from _to_delivered(listed)


def _in_trouble(listed: Listed, status: str) -> "QuerySet[Any]":
    """Their deliveries are indexed in the order of the events, of which each is asked: one may have several."""
    event = _walked(listed.waiting.filter(pk=OuterRef("event_id")), status)
    troubles = Delivery.objects.of(listed.organization).filter(status=status, acknowledged=False)
    found = listed.of_these(troubles).alias(event_in_list=Subquery(event)).filter(event_in_list__isnull=False)
    return found.order_by("-event_id").values("event_id").distinct()


def _to_pending(listed: Listed) -> Iterator[Way]:
    # To these no delivery leads, but canceled ones.
    unwanted = listed.waiting.unwanted().alias(by_deliveries=OF_DELIVERIES).filter(by_deliveries=None)
    some_are_unwanted = listed.waiting.unwanted().exists()
    if some_are_unwanted or _has_many_open(listed.organization):
        yield [_walked(_newest(listed), "pending")]
    if not some_are_unwanted:  # for those could be older than what this leaves out
        yield [_led_to(listed, "pending", SPARE * listed.most)]
    yield [_led_to(listed, "pending", ALL), unwanted.values("pk")]


def _has_many_open(organization: Organization) -> bool:
    theirs = Delivery.objects.open().filter(endpoint__in=organization.endpoints.order_by())
    return theirs.order_by().values("endpoint_id")[MANY_OPEN:].exists()


def _to_delivered(listed: Listed) -> Iterator[Way]:
    """Most are. No index has them: each delivery that succeeds would pay for it."""
    is_sent_any = Delivery.objects.of(listed.organization).exists()
    yield [_walked(listed.waiting if is_sent_any else listed.waiting.none(), "delivered")]


def _walked(events: EventQuerySet, status: str) -> "QuerySet[Any]":
    """Each is asked for its deliveries, until there are enough."""
    return events.alias(by_deliveries=BY_DELIVERIES).filter(by_deliveries=status).values("pk")


def _newest(listed: Listed) -> EventQuerySet:
    """So many that a walk is worth it."""
    end = Subquery(listed.waiting.values("pk")[max(WALKED, SPARE * listed.most) :][:1])
    return listed.waiting.filter(pk__gt=Coalesce(end, Value(uuid.UUID(int=0)), output_field=UUIDField()))


def _led_to(listed: Listed, status: str, most: int) -> "QuerySet[Any]":
    """By that many deliveries of the newest events.

    PostgreSQL must begin with those of the organization that have the status. Left to itself it would walk everybody's
    in the order of events, of which an index knows: so they are sorted by what is in none. And it would ask the events
    first but for the limit, be it beyond all there are.
    """
    found = listed.of_these(Delivery.objects.having_status(status, listed.organization))
    in_no_index = Coalesce("event_id", Value(uuid.UUID(int=0)), output_field=UUIDField())
    newest = found.order_by(in_no_index.desc()).values("event_id")[:most]
    return _walked(listed.waiting.filter(pk__in=newest), status)

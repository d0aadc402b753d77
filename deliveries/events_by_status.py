"""The events that have a status, newest first (`GET /api/inbox?status=`).

A status is stored nowhere: it follows from the deliveries (`event_status.py`). So a list begins where an index knows the
few that may be in it, or walks the events from the newest where nearly all are. Left to choose, PostgreSQL would take
events and deliveries for independent, and rather hash 500,000 of them.

A way is a list of parts, each of them ids, newest first; none is in two parts, and together they are the list.
"""

import uuid
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce

from deliveries.event_status import FIRST_COMES, OF_DELIVERIES
from deliveries.models import Delivery
from events.querysets import EventQuerySet
from organizations.models import Organization

WALKED = 5_000  # events, before what is rare is looked for otherwise: some 40 ms
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
        events = self.organization.events.order_by("-pk").of_type(self.event_type).unacknowledged()
        return events.filter(pk__lt=self.below) if self.below else events


def ways_to(listed: Listed, status: str) -> list[Way]:
    """The last finds all of them; one before it is quicker, and does when it finds `most`."""
    if status in IN_TROUBLE:
        return [[_in_trouble(listed, status)]]
    if status == "pending":
        # The unwanted have no delivery but canceled ones, if any: the only ones to which none leads.
        return [[_leading(listed, "pending"), _walked(listed.waiting.unwanted(), None)]]
    return [[_walked(_newest(listed), "delivered")], [_leading(listed, "delivered")]]


def _in_trouble(listed: Listed, status: str) -> "QuerySet[Any]":
    """By their deliveries in the order of the events, each asked for its event: an event may have several."""
    event = _walked(listed.waiting.filter(pk=OuterRef("event_id")), status)
    found = Delivery.objects.of(listed.organization).filter(status=status, acknowledged=False)
    found = found.matching(event_type=listed.event_type)
    if listed.below:
        found = found.filter(event_id__lt=listed.below)
    found = found.alias(event_in_list=Subquery(event)).filter(event_in_list__isnull=False)
    return found.order_by("-event_id").values("event_id").distinct()


def _walked(events: EventQuerySet, by_deliveries: str | None) -> "QuerySet[Any]":
    """Each is asked for its deliveries, until there are enough."""
    return events.alias(by_deliveries=OF_DELIVERIES).filter(by_deliveries=by_deliveries).values("pk")


def _newest(listed: Listed) -> EventQuerySet:
    """So many that a walk is worth it."""
    most = max(WALKED, 4 * listed.most)
    end = Subquery(listed.waiting.values("pk")[most : most + 1])
    return listed.waiting.filter(pk__gte=Coalesce(end, Value(uuid.UUID(int=0)), output_field=UUIDField()))


def _leading(listed: Listed, status: str) -> "QuerySet[Any]":
    """A delivery has it, and none has one that comes first: PostgreSQL begins with those where they are few."""
    earlier = FIRST_COMES[: FIRST_COMES.index(status)]
    of_event = Delivery.objects.filter(event_id=OuterRef("pk"))

    def has(status: str) -> Q:
        return Q(Exists(of_event.having_status(status, listed.organization)))

    return listed.waiting.filter(reduce(and_, (~has(other) for other in earlier), has(status))).values("pk")

"""An event's status, from its deliveries:

- `acknowledged`: settled by hand
- `dead_letter`: given up on at least one endpoint
- `failed`: tried, will be retried
- `pending`: nothing tried yet, or no endpoint wanted it, or those that did were deleted
- `delivered`: every endpoint has it
"""

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from django.db.models import (
    Case,
    CharField,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce

from deliveries.models import Delivery
from events.querysets import EventQuerySet

if TYPE_CHECKING:
    from organizations.models import Organization

STATUSES = ("pending", "failed", "dead_letter", "delivered", "acknowledged")
# An event has the first of these that one of its deliveries has.
FIRST_COMES = ("dead_letter", "failed", "pending", "delivered")

_PLACE = Case(
    *(When(status=status, then=Value(place)) for place, status in enumerate(FIRST_COMES)),
    output_field=IntegerField(),
)
# A look into the event's own deliveries. As `Exists` for each status PostgreSQL would rather hash all the deliveries
# of that status that there are, for a page of 50 events.
_OF_DELIVERIES = Subquery(
    Delivery.objects.filter(event_id=OuterRef("pk"), status__in=FIRST_COMES)
    .order_by(_PLACE)
    .values("status")[:1]
)
STATUS = Case(
    When(acknowledged_at__isnull=False, then=Value("acknowledged")),
    default=Coalesce(_OF_DELIVERIES, Value("pending")),
    output_field=CharField(),
)


def with_status(events: EventQuerySet) -> EventQuerySet:
    """Adds `status`, and `payload_text`: the payload as JSON text, which is never parsed on its way out."""
    return events.defer("payload").annotate(status=STATUS, payload_text=Cast("payload", TextField()))


def parts_having_status(
    events: EventQuerySet, organization: "Organization", status: str
) -> list[EventQuerySet]:
    """Together those of the organization's events that have it; none is in two parts. Each is in conditions that an
    index knows the rows of: where few have the status, PostgreSQL begins with those, and does not ask each event."""
    if status == "acknowledged":
        return [events.acknowledged()]
    waiting = events.unacknowledged()
    found = [waiting.filter(_by_deliveries(organization, status))]
    if status == "pending":
        # No delivery but canceled ones, if any: the only ones to which none leads.
        found.append(waiting.unwanted().alias(by_deliveries=_OF_DELIVERIES).filter(by_deliveries=None))
    return found


def _by_deliveries(organization: "Organization", status: str) -> Q:
    """A delivery has it, and none has one that comes first."""
    earlier = FIRST_COMES[: FIRST_COMES.index(status)]
    of_event = Delivery.objects.filter(event_id=OuterRef("pk"))

    def has(status: str) -> Q:
        return Q(Exists(of_event.having_status(status, organization)))

    return reduce(and_, (~has(other) for other in earlier), has(status))

"""An event's status, from its deliveries:

- `acknowledged`: settled by hand
- `dead_letter`: given up on at least one endpoint
- `failed`: tried, will be retried
- `pending`: nothing tried yet, or no endpoint wanted it, or those that did were deleted
- `delivered`: every endpoint has it
"""

from django.db.models import Case, CharField, IntegerField, OuterRef, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Coalesce

from deliveries.models import Delivery
from events.querysets import EventQuerySet

STATUSES = ("pending", "failed", "dead_letter", "delivered", "acknowledged")
# An event has the first of these that one of its deliveries has.
FIRST_COMES = ("dead_letter", "failed", "pending", "delivered")

_PLACE = Case(
    *(When(status=status, then=Value(place)) for place, status in enumerate(FIRST_COMES)),
    output_field=IntegerField(),
)
# A look into the event's own deliveries. As `Exists` for each status PostgreSQL would rather hash all the deliveries
# of that status that there are, for a page of 50 events.
OF_DELIVERIES = Subquery(
    Delivery.objects.filter(event_id=OuterRef("pk"), status__in=FIRST_COMES)
    .order_by(_PLACE)
    .values("status")[:1]
)
BY_DELIVERIES = Coalesce(OF_DELIVERIES, Value("pending"), output_field=CharField())
STATUS = Case(
    When(acknowledged_at__isnull=False, then=Value("acknowledged")),
    default=BY_DELIVERIES,
    output_field=CharField(),
)


def with_status(events: EventQuerySet) -> EventQuerySet:
    """Adds `status`, and `payload_text`: the payload as JSON text, which is never parsed on its way out."""
    return events.defer("payload").annotate(status=STATUS, payload_text=Cast("payload", TextField()))

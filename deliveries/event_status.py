"""An event's status, from its deliveries:

- `acknowledged`: settled by hand
- `dead_letter`: given up on at least one endpoint
- `failed`: tried, will be retried
- `pending`: nothing tried yet, or no endpoint wanted it
- `delivered`: every endpoint has it
"""

from django.db.models import (
    Case,
    CharField,
    Exists,
    OuterRef,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast

from deliveries.models import Delivery
from events.querysets import EventQuerySet

STATUSES = ("pending", "failed", "dead_letter", "delivered", "acknowledged")


def _some(status: str) -> Q:
    return Q(Exists(Delivery.objects.filter(event_id=OuterRef("pk"), status=status)))


STATUS = Case(
    When(acknowledged_at__isnull=False, then=Value("acknowledged")),
    When(_some("dead_letter"), then=Value("dead_letter")),
    When(_some("failed"), then=Value("failed")),
    When(_some("pending"), then=Value("pending")),
    When(_some("delivered"), then=Value("delivered")),
    default=Value("pending"),
    output_field=CharField(),
)


def with_status(events: EventQuerySet) -> EventQuerySet:
    """Adds `status`, and `payload_text`: the payload as JSON text, which is never parsed on its way out."""
    return events.defer("payload").annotate(status=STATUS, payload_text=Cast("payload", TextField()))

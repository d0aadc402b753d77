"""What was to go to an endpoint that is deleted."""

from datetime import timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Exists, OuterRef

from deliveries.models import Delivery, Endpoint
from deliveries.querysets import DeliveryQuerySet
from events.models import Event
from events.querysets import EventQuerySet
from organizations.deadlocks import again_after_deadlock

PART = 1_000
LATE = timedelta(hours=1)  # far longer than any that accepts


def cancel_late_orphans() -> int:
    """What was accepted while its endpoint was being deleted.

    Two queries: in one, PostgreSQL read all that is open for the endpoints that nearly always are none.
    """
    gone = list(Endpoint.objects.deleted(within=LATE).values_list("pk", flat=True))
    return cancel_orphans(Delivery.objects.filter(endpoint__in=gone)) if gone else 0


@again_after_deadlock
def cancel_orphans(deliveries: DeliveryQuerySet) -> int:
    """Cancels those that are open, and marks the events that may now go to nobody, so that the inbox finds them."""
    canceled = 0
    with transaction.atomic():
        waiting = deliveries.open().values_list("pk", "event_id").iterator(chunk_size=PART)
        while part := list(islice(waiting, PART)):
            canceled += Delivery.objects.filter(pk__in=[delivery_id for delivery_id, _ in part]).cancel()
            _mark(Event.objects.filter(pk__in=[event_id for _, event_id in part]))
    return canceled


def _mark(events: EventQuerySet) -> None:
    """But those that another endpoint has, or has been given up on. One that has it before it yet stays marked: of two
    endpoints that are deleted at once neither's transaction would see that the other's delivery is canceled."""
    settled = Delivery.objects.filter(event_id=OuterRef("pk"), status__in=("delivered", "dead_letter"))
    events.unacknowledged().filter(~Exists(settled), unwanted=False).update(unwanted=True)

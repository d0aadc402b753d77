"""A test event: real and signed, to one endpoint alone, whatever types that wants."""

import msgspec
from django.db import transaction
from django.db.models.functions import Now

from deliveries.fan_out import TO_NOBODY
from deliveries.models import Delivery, Endpoint
from deliveries.ring import ring_after_commit
from events.accept import accept_event
from events.incoming import IncomingEvent


def send_test(endpoint: Endpoint, *, event_type: str) -> Delivery:
    payload = msgspec.json.encode({"test": True, "endpoint_id": str(endpoint.pk)})
    event = IncomingEvent(type=event_type, payload=msgspec.Raw(payload))
    with transaction.atomic():
        accepted = accept_event(endpoint.organization, event, fan_out=TO_NOBODY)
        delivery = Delivery.objects.create(
            organization_id=endpoint.organization_id,
            event_id=accepted.id,
            event_type=event_type,
            endpoint=endpoint,
            next_attempt_at=Now(),
            test=True,
        )
        ring_after_commit()
    return delivery

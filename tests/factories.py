"""Rows to test with. Each function makes one, with what the test names and the plainest rest."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db.models.functions import Now
from django.utils import timezone

from deliveries.endpoints import create_endpoint
from deliveries.models import Delivery, Endpoint, Replay
from deliveries.querysets import DeliveryQuerySet
from events.incoming import IncomingEvent, read_event
from events.models import Event
from organizations.key_format import KeyParts, compose, new_parts, take_apart
from organizations.keys import generate_key
from organizations.models import Organization, new_id
from organizations.tiers import Tier
from organizations.uuid7 import first_id_at

# A public address, so that nothing needs to be allowed; nothing is ever sent there.
SOMEWHERE = "http://93.184.215.14/hooks"


def make_organization(
    *, name: str = "Acme", tier: Tier = Tier.FREE, inbox_only: bool = False
) -> Organization:
    return Organization.objects.create(name=name, tier=tier, inbox_only=inbox_only)


def make_key(organization: Organization, **fields: Any) -> str:
    """The text of a new key."""
    return generate_key(organization, **fields)[0]


def make_endpoint(organization: Organization, *, url: str = SOMEWHERE, **fields: Any) -> Endpoint:
    """`state` and the like may be given as well as what `create_endpoint` takes."""
    creation = {
        name: fields.pop(name)
        for name in ("secret", "event_types", "headers", "is_default")
        if name in fields
    }
    endpoint, _ = create_endpoint(organization, url=url, **creation)
    if fields:
        Endpoint.objects.filter(pk=endpoint.pk).update(**fields)
        endpoint.refresh_from_db()
    return endpoint


def make_event(organization: Organization, *, event_type: str = "order.created", **fields: Any) -> Event:
    """An event as a row, without deliveries: unwanted, unless the test says otherwise."""
    if "created_at" in fields:
        fields.setdefault("id", id_at(fields["created_at"]))
    plainest: dict[str, Any] = {"payload": {"n": 1}, "unwanted": True}
    return Event.objects.create(organization=organization, type=event_type, **{**plainest, **fields})


def make_events(organization: Organization, number: int) -> list[Event]:
    """So many at once, without a look at each."""
    return Event.objects.bulk_create(
        Event(organization=organization, type="order.created", payload={}) for _ in range(number)
    )


def make_delivery(
    endpoint: Endpoint, *, event: Event | None = None, status: str = "pending", **fields: Any
) -> Delivery:
    """A delivery that is due when it is open, and settled now when it is not."""
    event = event or make_event(endpoint.organization)
    is_open = status in ("pending", "failed")
    if "created_at" in fields:
        fields.setdefault("id", id_at(fields["created_at"]))
    times: dict[str, Any] = {"next_attempt_at": Now()} if is_open else {"settled_at": Now()}
    delivery = Delivery.objects.create(
        organization=endpoint.organization,
        endpoint=endpoint,
        event=event,
        event_type=event.type,
        status=status,
        **{**times, **fields},
    )
    delivery.refresh_from_db()
    return delivery


def make_deliveries(endpoint: Endpoint, number: int, **fields: Any) -> None:
    """Each of an event of its own."""
    organization = endpoint.organization
    Delivery.objects.bulk_create(
        Delivery(organization=organization, endpoint=endpoint, event=event, event_type=event.type, **fields)
        for event in make_events(organization, number)
    )


def make_replay(organization: Organization, **fields: Any) -> Replay:
    """Of many deliveries; it runs."""
    return Replay.objects.create(organization=organization, status="dead_letter", as_of=Now(), **fields)


def incoming(
    *, event_type: str = "order.created", payload: Any = None, dedup_id: str | None = None
) -> IncomingEvent:
    """An event as a client posts it; a `msgspec.Raw` as payload is taken as it is."""
    body = {"type": event_type, "payload": payload, "dedup_id": dedup_id}
    return read_event(msgspec.json.encode(body))


def id_at(moment: datetime) -> uuid.UUID:
    """An id that was made then."""
    return uuid.UUID(int=first_id_at(moment).int | new_id().int & ((1 << 80) - 1))


def ago(**amount: float) -> Any:
    return timezone.now() - timedelta(**amount)


def ahead(**amount: float) -> Any:
    return timezone.now() + timedelta(**amount)


def due() -> DeliveryQuerySet:
    """The deliveries whose time has come."""
    return Delivery.objects.open().filter(next_attempt_at__lte=Now())


def with_another_secret(text: str) -> str:
    parts = take_apart(text)
    assert parts is not None
    return compose(KeyParts(parts.public_id, new_parts().secret))

"""Settling an event by hand from the admin."""

from deliveries.acknowledge import acknowledge_by_staff
from deliveries.models import Delivery
from events.models import Event
from organizations.audit import Actor
from organizations.models import AuditEntry, Organization
from tests.concurrency import at_once
from tests.factories import make_delivery, make_endpoint, make_event

ADA = Actor(user_id=None, name="ada")


def test_of_two_who_press_at_once_one_acknowledges(committed_organization: Organization) -> None:
    event = make_event(committed_organization)
    make_delivery(make_endpoint(committed_organization), event=event)

    canceled = at_once([lambda: acknowledge_by_staff(event, actor=ADA)] * 2)

    assert sorted(canceled, key=str) == [1, None]
    assert [entry.after for entry in AuditEntry.objects.all()] == [{"acknowledged": True, "canceled": 1}]


def test_another_event_is_left_alone(committed_organization: Organization) -> None:
    event, other = (make_event(committed_organization) for _ in range(2))
    make_delivery(make_endpoint(committed_organization), event=other)

    assert acknowledge_by_staff(event, actor=ADA) == 0

    assert list(Event.objects.unacknowledged()) == [other]
    assert Delivery.objects.open().count() == 1

from itertools import combinations

import pytest
from django.db.models.functions import Now

from deliveries.event_status import STATUSES, with_status
from deliveries.events_by_status import Listed, ways_to
from events.models import Event
from tests.factories import make_delivery, make_endpoint, make_event, make_organization

pytestmark = pytest.mark.django_db

# What each combination of its deliveries' statuses makes of an event; all others follow from the first that is there.
RANK = ("dead_letter", "failed", "pending", "delivered")
COMBINATIONS = [
    found
    for size in range(4)
    for found in combinations(["pending", "failed", "delivered", "dead_letter", "canceled"], size)
]


def lists_with(event: Event) -> list[str]:
    """The status of each list that it is in, once for each time that it is."""
    listed = Listed(event.organization, None, None, 10)
    return ["acknowledged"] * Event.objects.acknowledged().count() + [
        status
        for status in STATUSES
        if status != "acknowledged"
        for part in list(ways_to(listed, status))[-1]
        for _ in part
    ]


def status_of(event: Event) -> str:
    return with_status(Event.objects.filter(pk=event.pk)).get().status


@pytest.mark.parametrize("statuses", COMBINATIONS, ids="+".join)
def test_an_events_status_follows_from_its_deliveries(statuses: tuple[str, ...]) -> None:
    organization = make_organization()
    event = make_event(organization)
    for status in statuses:
        make_delivery(make_endpoint(organization), event=event, status=status)
    expected = next((status for status in RANK if status in statuses), "pending")
    assert status_of(event) == expected
    assert lists_with(event) == [expected]


@pytest.mark.parametrize("status", ["pending", "failed", "delivered", "dead_letter", "canceled"])
def test_an_acknowledged_event_is_acknowledged_whatever_became_of_its_deliveries(status: str) -> None:
    event = make_event(make_organization(), acknowledged_at=Now())
    make_delivery(make_endpoint(event.organization), event=event, status=status)
    assert status_of(event) == "acknowledged"
    assert lists_with(event) == ["acknowledged"]


def test_another_events_deliveries_say_nothing() -> None:
    event = make_event(make_organization())
    make_delivery(make_endpoint(event.organization), status="dead_letter")
    assert status_of(event) == "pending"


def test_the_statuses_are_these() -> None:
    assert STATUSES == ("pending", "failed", "dead_letter", "delivered", "acknowledged")

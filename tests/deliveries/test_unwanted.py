"""Which events are marked as unwanted, so that the inbox finds what no delivery leads to."""

import pytest
from django.db.models.functions import Now

from deliveries.endpoint_test import send_test
from deliveries.endpoints import delete_endpoint
from deliveries.fan_out import FAN_OUT
from deliveries.models import Endpoint
from deliveries.replay import replay_event
from deliveries.tasks import sweep
from events.accept import accept_event
from events.models import Event
from organizations.models import Organization
from tests.factories import ago, incoming, make_delivery, make_endpoint, make_event, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    return make_organization(inbox_only=True)


def is_unwanted(event: Event) -> bool:
    return Event.objects.get(pk=event.pk).unwanted


def accepted(organization: Organization, event_type: str) -> Event:
    return Event.objects.get(
        pk=accept_event(organization, incoming(event_type=event_type), fan_out=FAN_OUT).id
    )


@pytest.mark.parametrize(
    ("wanted", "unwanted"),
    [([], False), (["order.*"], False), (["order.paid"], False), (["invoice.*", "order"], True)],
)
def test_an_event_that_no_endpoint_wants_is_unwanted(
    organization: Organization, wanted: list[str], unwanted: bool
) -> None:
    make_endpoint(organization, event_types=wanted)
    assert accepted(organization, "order.paid").unwanted is unwanted


def test_deleted_endpoints_and_other_tenants_want_nothing(organization: Organization) -> None:
    make_endpoint(organization, deleted_at=Now())
    make_endpoint(make_organization())
    assert accepted(organization, "order.paid").unwanted is True


def test_a_paused_endpoint_wants_its_events(organization: Organization) -> None:
    make_endpoint(organization, state="paused")
    assert accepted(organization, "order.paid").unwanted is False


def test_a_test_event_is_wanted_by_its_endpoint(organization: Organization) -> None:
    delivery = send_test(make_endpoint(organization, event_types=["order.*"]), event_type="webhook.test")
    assert delivery.event.unwanted is False


def event_of(endpoint: Endpoint, *statuses: str, **fields: object) -> Event:
    """That waits to be sent to this endpoint; to others it has these statuses."""
    event = make_event(endpoint.organization, unwanted=False, **fields)
    make_delivery(endpoint, event=event)
    for status in statuses:
        make_delivery(make_endpoint(endpoint.organization), event=event, status=status)
    return event


def test_what_a_deleted_endpoint_never_got_is_unwanted(organization: Organization) -> None:
    endpoint = make_endpoint(organization)
    waiting = event_of(endpoint)
    elsewhere = [event_of(endpoint, "delivered"), event_of(endpoint, "dead_letter")]
    acknowledged = event_of(endpoint, acknowledged_at=Now())
    other = event_of(make_endpoint(organization))
    delete_endpoint(endpoint)
    assert is_unwanted(waiting) is True
    assert [is_unwanted(event) for event in (*elsewhere, acknowledged, other)] == [False] * 4


def test_what_waits_for_another_endpoint_may_become_unwanted_and_is_marked(
    organization: Organization,
) -> None:
    """Two that are deleted at once don't see each other's work."""
    endpoint = make_endpoint(organization)
    event = event_of(endpoint, "pending")
    delete_endpoint(endpoint)
    assert is_unwanted(event) is True


def test_what_came_while_its_endpoint_was_being_deleted_is_unwanted(organization: Organization) -> None:
    event = event_of(make_endpoint(organization, deleted_at=ago(minutes=1)))
    sweep()
    assert is_unwanted(event) is True


def test_what_is_replayed_to_a_new_endpoint_is_wanted_again(organization: Organization) -> None:
    event, other = make_event(organization), make_event(organization)
    assert replay_event(event) == 0
    assert is_unwanted(event) is True
    make_endpoint(organization)
    assert replay_event(event) == 1
    assert [is_unwanted(event), is_unwanted(other)] == [False, True]

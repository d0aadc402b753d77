import pytest

from deliveries.fan_out import FAN_OUT
from deliveries.models import Delivery, Endpoint
from events.accept import accept_event
from tests.factories import incoming, make_endpoint, make_organization

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wanted", "event_type", "gets_it"),
    [
        ([], "order.created", True),
        ([], "a", True),
        (["order.created"], "order.created", True),
        (["order.created"], "order.created.late", False),
        (["order.created"], "order", False),
        (["order.created"], "Order.Created", False),
        (["order.*"], "order.created", True),
        (["order.*"], "order.created.late", True),
        (["order.*"], "order", False),
        (["order.*"], "orders.created", False),
        (["order.*"], "my.order.created", False),
        (["order_x.*"], "order-x.created", False),  # neither _ nor . stands for any other character
        (["order.a.*"], "order.a.b", True),
        (["order.a.*"], "orderxa.b", False),
        (["invoice.paid", "order.*"], "order.created", True),
        (["invoice.paid", "order.*"], "invoice.paid", True),
        (["invoice.paid", "order.*"], "invoice.open", False),
    ],
)
def test_who_gets_an_event(wanted: list[str], event_type: str, gets_it: bool) -> None:
    organization = make_organization(inbox_only=True)
    make_endpoint(organization, event_types=wanted)
    accept_event(organization, incoming(event_type=event_type), fan_out=FAN_OUT)
    assert Delivery.objects.exists() is gets_it


def test_two_patterns_that_both_fit_make_one_delivery() -> None:
    organization = make_organization()
    make_endpoint(organization, event_types=["order.*", "order.created"])
    accept_event(organization, incoming(event_type="order.created"), fan_out=FAN_OUT)
    assert Delivery.objects.count() == 1


def test_nobody_gets_another_tenants_events() -> None:
    organization = make_organization()
    mine = make_endpoint(organization)
    make_endpoint(make_organization())
    accept_event(organization, incoming(), fan_out=FAN_OUT)
    assert Delivery.objects.get().endpoint == mine


@pytest.mark.parametrize("state", [Endpoint.State.PAUSED, Endpoint.State.DISABLED])
def test_who_does_not_send_now_gets_it_for_later(state: str) -> None:
    organization = make_organization()
    make_endpoint(organization, state=state)
    accept_event(organization, incoming(), fan_out=FAN_OUT)
    assert Delivery.objects.get().status == "pending"

"""POST /api/endpoints/{id}/test"""

from types import SimpleNamespace

import pytest

from deliveries.models import Delivery
from events.models import Event
from organizations.models import Organization
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import answers, receiving
from tests.factories import make_endpoint


def test_a_test_goes_to_this_endpoint_alone_whatever_it_wants(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization, event_types=["order.created"])
    make_endpoint(acme.organization)
    response = acme.api.post(f"/api/endpoints/{endpoint.pk}/test")
    delivery, event = Delivery.objects.get(), Event.objects.get()
    assert (response.status_code, response.json()) == (
        202,
        {"event_id": str(event.pk), "delivery_id": str(delivery.pk)},
    )
    assert (delivery.endpoint, delivery.event, delivery.test, event.type) == (
        endpoint,
        event,
        True,
        "webhook.test",
    )


def test_a_test_is_a_real_signed_delivery_with_a_mark(committed_acme: SimpleNamespace) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_acme.organization, url=receiver.url)
        committed_acme.api.post(f"/api/endpoints/{endpoint.pk}/test", {"type": "order.created"})
        run_engine()
    (request,) = receiver.requests
    assert (request.headers["webhook-test"], request.headers["x-event-type"]) == ("true", "order.created")
    assert Delivery.objects.get().status == "delivered"


@pytest.mark.parametrize("event_type", ["", "a b", "a..b", "x" * 101])
def test_a_type_that_does_not_fit_is_refused(acme: SimpleNamespace, event_type: str) -> None:
    endpoint = make_endpoint(acme.organization)
    response = acme.api.post(f"/api/endpoints/{endpoint.pk}/test", {"type": event_type})
    assert (response.status_code, Event.objects.count()) == (422, 0)


def test_an_inbox_only_tenant_can_test_as_well(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    endpoint = make_endpoint(acme.organization)
    assert acme.api.post(f"/api/endpoints/{endpoint.pk}/test").status_code == 202

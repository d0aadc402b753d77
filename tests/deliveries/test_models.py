"""What can't be, the database refuses, whoever asks."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from deliveries.models import Delivery, Endpoint, EndpointSecret
from events.models import Event
from organizations.models import Organization
from tests.factories import make_delivery, make_endpoint, make_event, make_organization

pytestmark = pytest.mark.django_db


def second_default(endpoint: Endpoint) -> None:
    Endpoint.objects.update(is_default=True)
    make_endpoint(endpoint.organization, is_default=True)


def second_delivery(endpoint: Endpoint) -> None:
    make_delivery(endpoint, event=make_delivery(endpoint).event)


REFUSED: dict[str, Callable[[Endpoint], object]] = {
    "organization_tier_is_known": lambda _: Organization.objects.update(tier="gold"),
    "organization_has_a_name": lambda _: Organization.objects.update(name=""),
    "event_has_a_type": lambda endpoint: make_event(endpoint.organization, event_type=""),
    "endpoint_state_is_known": lambda _: Endpoint.objects.update(state="asleep"),
    "organization_has_one_default_endpoint": second_default,
    "endpoint_has_one_current_secret": lambda endpoint: EndpointSecret.objects.create(
        endpoint=endpoint, encrypted="x"
    ),
    "event_goes_to_an_endpoint_once": second_delivery,
    "delivery_status_is_known": lambda endpoint: make_delivery(endpoint, status="lost"),
    "delivery_settled_at_iff_settled": lambda endpoint: make_delivery(endpoint, settled_at=Now()),
    "delivery_next_attempt_at_iff_open": lambda endpoint: make_delivery(endpoint, next_attempt_at=None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_can_not_be(name: str) -> None:
    endpoint = make_endpoint(make_organization())
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        REFUSED[name](endpoint)
    refused_by = caught.value.__cause__.diag.constraint_name
    # An unknown status is neither open nor settled, so a constraint that comes first in the alphabet refuses it, too.
    assert refused_by == name or (name, refused_by) == (
        "delivery_status_is_known",
        "delivery_next_attempt_at_iff_open",
    )


def test_every_constraint_is_tried() -> None:
    ours = {
        constraint.name
        for model in (Organization, Event, Endpoint, EndpointSecret, Delivery)
        for constraint in model._meta.constraints
    }
    assert ours == set(REFUSED)


def test_a_deleted_default_makes_way_for_another() -> None:
    organization = make_organization()
    make_endpoint(organization, is_default=True, deleted_at=Now())
    make_endpoint(organization, is_default=True)
    assert Endpoint.objects.of(organization).default().count() == 1

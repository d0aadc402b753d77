"""What can't be, the database refuses, whoever asks."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from deliveries.models import Delivery, Endpoint, EndpointSecret, Replay
from events.models import Event
from organizations.models import Organization
from tests.factories import make_delivery, make_endpoint, make_event, make_organization, make_replay

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
    "endpoint_circuit_is_known": lambda _: Endpoint.objects.update(circuit="fused", probe_at=Now()),
    "endpoint_probe_at_iff_circuit_not_closed": lambda _: Endpoint.objects.update(circuit="open"),
    "endpoint_has_a_positive_pace": lambda _: Endpoint.objects.update(max_per_second=0),
    "replay_state_is_known": lambda endpoint: make_replay(endpoint.organization, state="lost"),
    "replay_finished_at_iff_finished": lambda endpoint: make_replay(endpoint.organization, state="done"),
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
    assert refused_by == name or (name, refused_by) in {
        ("delivery_status_is_known", "delivery_next_attempt_at_iff_open"),
        ("replay_state_is_known", "replay_finished_at_iff_finished"),
    }


def test_every_constraint_is_tried() -> None:
    ours = {
        constraint.name
        for model in (Organization, Event, Endpoint, EndpointSecret, Delivery, Replay)
        for constraint in model._meta.constraints
    }
    assert ours == set(REFUSED)


def test_a_deleted_default_makes_way_for_another() -> None:
    organization = make_organization()
    make_endpoint(organization, is_default=True, deleted_at=Now())
    make_endpoint(organization, is_default=True)
    assert Endpoint.objects.of(organization).default().count() == 1

"""Whatever route, another tenant's id is not there, and nothing of theirs changes or shows."""

import uuid
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import models

from deliveries.models import Delivery
from events.models import Event
from organizations.models import ApiKey, Organization
from tests.factories import make_delivery, make_endpoint, make_key, make_replay
from tests.routes import Route, api_routes, label

# What a route needs in its body before it looks for what its path names.
BODIES: dict[str, object] = {"/api/endpoints/{endpoint_id}/replay": {"since": "2026-01-01T00:00:00Z"}}
WITH_ID = [route for route in api_routes() if route.names]
WITHOUT_ID = [route for route in api_routes() if not route.names and route.method == "GET"]


@pytest.fixture
def theirs(rival: SimpleNamespace) -> dict[str, uuid.UUID]:
    """The id of one of each thing that the other tenant has, by the name that routes use for it."""
    make_key(rival.organization)
    delivery = make_delivery(make_endpoint(rival.organization, is_default=True), status="dead_letter")
    return {
        "key_id": ApiKey.objects.of(rival.organization)[0].pk,
        "event_id": delivery.event_id,
        "endpoint_id": delivery.endpoint_id,
        "delivery_id": delivery.pk,
        "replay_id": make_replay(rival.organization).pk,
    }


def everything_of(organization: Organization) -> list[object]:
    """All rows of a tenant, but for when its keys were last used."""
    rows: list[object] = []
    for name in ("organizations", "events", "deliveries"):
        for model in apps.get_app_config(name).get_models():
            rows += rows_of(model, organization)
    return rows


def rows_of(model: type[models.Model], organization: Organization) -> list[object]:
    for path in ("organization", "endpoint__organization", "delivery__organization"):
        if path.split("__")[0] in {field.name for field in model._meta.get_fields()}:
            return list(model._default_manager.filter(**{path: organization}).values())
    assert model is Organization
    return list(Organization.objects.filter(pk=organization.pk).values())


@pytest.mark.parametrize("route", WITH_ID, ids=label)
def test_another_tenants_id_is_not_there_and_nothing_changes(
    acme: SimpleNamespace, rival: SimpleNamespace, theirs: dict[str, uuid.UUID], route: Route
) -> None:
    before = everything_of(rival.organization)
    response = acme.api.send(route.method, route.path(**theirs), BODIES.get(route.template, {}))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert everything_of(rival.organization) == before


@pytest.mark.parametrize("route", WITH_ID, ids=label)
def test_another_tenants_id_looks_like_one_that_nobody_has(
    acme: SimpleNamespace, theirs: dict[str, uuid.UUID], route: Route
) -> None:
    body = BODIES.get(route.template, {})
    nobodys = dict.fromkeys(route.names, uuid.uuid4())
    first, second = (acme.api.send(route.method, route.path(**ids), body).json() for ids in (theirs, nobodys))
    assert {**first, "request_id": ""} == {**second, "request_id": ""}


@pytest.mark.parametrize("route", WITHOUT_ID, ids=label)
def test_no_list_shows_anything_of_another_tenant(
    acme: SimpleNamespace, theirs: dict[str, uuid.UUID], route: Route
) -> None:
    content = acme.api.get(route.template).content.decode()
    assert [name for name, value in theirs.items() if str(value) in content] == []


def test_acknowledging_another_tenants_events_does_nothing(
    acme: SimpleNamespace, theirs: dict[str, uuid.UUID]
) -> None:
    answer = acme.api.post("/api/ack", {"event_ids": [theirs["event_id"]]}).json()
    assert answer == {"acknowledged": 0, "unknown": [str(theirs["event_id"])]}
    assert Event.objects.get().acknowledged_at is None
    assert Delivery.objects.get().status == "dead_letter"

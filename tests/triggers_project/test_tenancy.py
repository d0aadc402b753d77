"""Whatever route, another tenant's id is not there, and nothing of theirs changes or shows."""

import uuid
from types import SimpleNamespace

import pytest
from django.apps import apps

from deliveries.models import Delivery
from events.models import Event
from tests.conftest import OUR_APPS
from tests.routes import THINGS, Route, api_routes, label

# What a route needs in its body before it looks for what its path names.
BODIES: dict[str, object] = {"/api/endpoints/{endpoint_id}/replay": {"since": "2026-01-01T00:00:00Z"}}
WITH_ID = [route for route in api_routes() if route.names]
WITHOUT_ID = [route for route in api_routes() if not route.names and route.method == "GET"]


@pytest.fixture
def theirs(rival: SimpleNamespace) -> dict[str, uuid.UUID]:
    """The id of one of each thing that the other tenant has, by the name that routes use for it."""
    return {name: make(rival.organization) for name, make in THINGS.items()}


def every_row() -> dict[str, list[object]]:
    """All that is stored, of whomever."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for name in OUR_APPS
        for model in apps.get_app_config(name).get_models()
    }


@pytest.mark.parametrize("route", WITH_ID, ids=label)
def test_another_tenants_id_is_not_there_and_nothing_changes(
    acme: SimpleNamespace, rival: SimpleNamespace, route: Route
) -> None:
    path = route.path_to_things_of(rival.organization)
    acme.api.get("/api/keys")  # from here on the key's last use is noted
    before = every_row()
    response = acme.api.send(route.method, path, BODIES.get(route.template, {}))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert every_row() == before


@pytest.mark.parametrize("route", WITH_ID, ids=label)
def test_another_tenants_id_looks_like_one_that_nobody_has(
    acme: SimpleNamespace, rival: SimpleNamespace, route: Route
) -> None:
    body = BODIES.get(route.template, {})
    paths = (route.path_to_things_of(rival.organization), route.path_to_nothing())
    first, second = (acme.api.send(route.method, path, body).json() for path in paths)
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
    assert Event.objects.get(pk=theirs["event_id"]).acknowledged_at is None
    assert set(Delivery.objects.values_list("status", flat=True)) == {"dead_letter"}


def test_what_a_route_names_and_nobody_can_make_is_said(rival: SimpleNamespace) -> None:
    new = WITH_ID[0]._replace(template="/api/things/{thing_id}", names=("thing_id",))
    with pytest.raises(pytest.fail.Exception, match="to make a thing for 'thing_id'"):
        new.path_to_things_of(rival.organization)

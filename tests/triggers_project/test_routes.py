"""What holds for every route of the API."""

import uuid
from types import SimpleNamespace

import pytest

from organizations.scopes import ALL_SCOPES
from tests.calls import Caller
from tests.factories import make_event, make_key
from tests.routes import Route, api_routes, label

ROUTES = api_routes()


def anything(route: Route) -> str:
    return route.path(**{name: uuid.uuid4() for name in route.names})


@pytest.mark.parametrize("route", ROUTES, ids=label)
def test_it_needs_a_key(db: None, route: Route) -> None:
    response = Caller().send(route.method, anything(route), {})
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_only_the_list_of_keys_needs_no_scope() -> None:
    assert [label(route) for route in ROUTES if route.scope is None] == ["GET /api/keys"]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scope], ids=label)
def test_a_key_with_every_other_scope_is_refused(acme: SimpleNamespace, route: Route) -> None:
    others = [scope for scope in ALL_SCOPES if scope != route.scope]
    response = Caller(make_key(acme.organization, scopes=others)).send(route.method, anything(route), {})
    assert response.status_code == 403
    assert response.json()["detail"] == f"This call needs a key with the scope {route.scope}."


@pytest.mark.parametrize("route", [route for route in ROUTES if route.scope], ids=label)
def test_a_key_with_that_scope_alone_is_let_in(acme: SimpleNamespace, route: Route) -> None:
    response = Caller(make_key(acme.organization, scopes=[route.scope])).send(
        route.method, anything(route), {}
    )
    assert response.status_code not in (401, 403, 500)


@pytest.mark.parametrize("route", ROUTES, ids=label)
def test_a_trailing_slash_makes_no_difference(acme: SimpleNamespace, route: Route) -> None:
    if route.template == "/api/keys/rotate":
        return  # the first call ends the key of the second
    path = anything(route)
    first, second = (acme.api.send(route.method, spelled, {}) for spelled in (path, path + "/"))
    assert (second.status_code, second.get("Location")) == (first.status_code, None)
    assert set(second.json()) == set(first.json()) if first.content else not second.content


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method != "GET"], ids=label)
def test_no_body_is_a_server_error(acme: SimpleNamespace, route: Route) -> None:
    bodies = (b"[]", b'"x"', b"5", b"null", b"true", b"{", b"\xff", b"")
    statuses = {body: acme.api.send(route.method, anything(route), body).status_code for body in bodies}
    assert {body: status for body, status in statuses.items() if status >= 500} == {}


@pytest.mark.parametrize("path", sorted({route.template for route in ROUTES}))
def test_a_method_it_does_not_have_is_a_405_that_says_which_it_has(acme: SimpleNamespace, path: str) -> None:
    route = next(route for route in ROUTES if route.template == path)
    response = acme.api.send("PUT", anything(route), {})
    methods = {route.method for route in ROUTES if route.template == path}
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    allowed = set(response.headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"}
    assert allowed == methods


@pytest.mark.parametrize("path", ["/api/events", "/api/inbox", "/api/keys", "/api/deliveries"])
def test_head_is_get_without_a_body(acme: SimpleNamespace, path: str) -> None:
    make_event(acme.organization)
    head, get = acme.api.send("HEAD", path), acme.api.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_head_needs_the_scope_that_get_needs(acme: SimpleNamespace) -> None:
    writer = Caller(make_key(acme.organization, scopes=["events:write"]))
    assert writer.send("HEAD", "/api/events").status_code == 403


def test_options_says_what_there_is(acme: SimpleNamespace) -> None:
    response = acme.api.send("OPTIONS", "/api/events")
    assert response.status_code == 200
    assert response.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/events/1", "/nothing", "/api/events//"]
)
def test_what_is_not_there_is_a_404(acme: SimpleNamespace, path: str) -> None:
    response = acme.api.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.headers["Content-Type"] == "application/problem+json"

"""What holds for every route of the API."""

from types import SimpleNamespace

import pytest
from django.test import Client

from organizations.scopes import ALL_SCOPES
from tests.calls import Caller
from tests.factories import make_event, make_key
from tests.routes import METHODS, Route, all_routes, api_routes, label

ROUTES = api_routes()


def anything(route: Route) -> str:
    return route.path_to_nothing()


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


@pytest.mark.parametrize("path", sorted({route.template for route in all_routes()}))
def test_every_method_it_does_not_have_is_a_405_that_says_which_it_has(
    acme: SimpleNamespace, path: str
) -> None:
    routes = [route for route in all_routes() if route.template == path]
    has = {route.method for route in routes}
    for method in {*METHODS, "TRACE", "BREW"} - has:
        response = acme.api.send(method, anything(routes[0]), {})
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed"), method
        assert set(response.headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"} == has


@pytest.mark.parametrize("route", [route for route in ROUTES if route.names], ids=label)
def test_an_id_may_have_capitals(acme: SimpleNamespace, route: Route) -> None:
    path = route.path_to_things_of(acme.organization)
    response = acme.api.send(route.method, path.replace(ids_in(path), ids_in(path).upper()), {})
    assert response.status_code in (200, 202, 204, 422)  # 422: it was found, and the body does not fit


def ids_in(path: str) -> str:
    return next(part for part in path.split("/") if part.count("-") == 4)


@pytest.mark.parametrize(
    "spelling",
    [
        "{{{0}}}",
        "urn:uuid:{0}",
        "{0}0",
        "{0}%0A",
        "%20{0}",
        "x{0}",
        "{1}",
        "{2}",
        "019B0000-0000-7000-8000-00000000000G",
    ],
)
def test_any_other_spelling_of_an_id_is_not_there(acme: SimpleNamespace, spelling: str) -> None:
    event_id = str(make_event(acme.organization).pk)
    odd = spelling.format(event_id, event_id.replace("-", ""), event_id.replace("-", "", 1))
    response = acme.api.get(f"/api/events/{odd}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/problems", "/problems/not_found", "/health/live", "/health/ready"])
def test_pages_and_checks_are_only_read(path: str, method: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    response = browser.generic(method, path, b"a=1", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs", "/nothing", "/api/nothing", "/static/nothing"])
def test_writing_where_there_is_nothing_to_write_to_is_a_problem_as_well(path: str) -> None:
    response = Client(enforce_csrf_checks=True).post(path, {"a": 1})
    assert response.status_code in (404, 405)
    assert response.headers["Content-Type"] == "application/problem+json"


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

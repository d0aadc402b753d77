"""What holds for the body of every call that takes one, and for what is sent to those that take none."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse

from organizations.models import ApiKey
from tests.calls import Caller, encoded
from tests.factories import make_key
from tests.routes import Route, all_routes, label, routes_with_a_body

WITH_BODY = routes_with_a_body()
NEEDS_A_BODY = [route for route in WITH_BODY if not route.body_is_optional]
OPTIONAL = [route for route in WITH_BODY if route.body_is_optional]
IGNORES_A_BODY = [route for route in all_routes() if route.body is None and route.method != "GET"]
DEEP = b"[" * 60_000
# As a field's value: what can't be stored, or is no JSON in the strict sense.
HOSTILE = {
    "a NUL": rb'"a\u0000b"',
    "half a surrogate pair": rb'"\ud800"',
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "a number too large": b"1e999",
    "absurd nesting": b"[" * 20_000 + b"]" * 20_000,
}


def send(acme: SimpleNamespace, route: Route, body: bytes, **options: Any) -> HttpResponse:
    return acme.api.send(route.method, route.path_to_things_of(acme.organization), body, **options)


def answer(response: HttpResponse) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_only_these_take_a_body_or_nothing() -> None:
    assert [label(route) for route in OPTIONAL] == [
        "POST /api/keys/rotate",
        "POST /api/endpoints/{endpoint_id}/rotate-secret",
        "POST /api/endpoints/{endpoint_id}/test",
        "POST /api/events/{event_id}/replay",
    ]


@pytest.mark.parametrize("body", [b"", b" \r\n"], ids=["empty", "blank"])
@pytest.mark.parametrize("route", NEEDS_A_BODY, ids=label)
def test_an_empty_body_is_malformed(acme: SimpleNamespace, route: Route, body: bytes) -> None:
    assert answer(send(acme, route, body)) == (400, "malformed_body")


@pytest.mark.parametrize("route", NEEDS_A_BODY, ids=label)
def test_no_body_at_all_is_malformed(acme: SimpleNamespace, route: Route) -> None:
    assert answer(send(acme, route, b"", content_type="")) == (400, "malformed_body")


@pytest.mark.parametrize("route", OPTIONAL, ids=label)
def test_no_body_at_all_is_an_object_without_fields(acme: SimpleNamespace, route: Route) -> None:
    another = Caller(make_key(acme.organization))
    first = send(acme, route, b"", content_type="")
    second = another.send(route.method, route.path_to_things_of(acme.organization), {})
    assert first.status_code == second.status_code
    assert first.status_code in (200, 201, 202)


@pytest.mark.parametrize("body", [b"{", b"{'a': 1}", b"a=1", b"\xff", b'{"a": 1,}'], ids=str)
@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_what_is_not_json_is_malformed(acme: SimpleNamespace, route: Route, body: bytes) -> None:
    assert answer(send(acme, route, body)) == (400, "malformed_body")


@pytest.mark.parametrize("body", [b"[]", b"0", b"null", b'""', b'"{}"', b"false", b"[{}]"], ids=str)
@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_json_that_is_no_object_is_invalid(acme: SimpleNamespace, route: Route, body: bytes) -> None:
    assert answer(send(acme, route, body)) == (422, "invalid_body")
    assert ApiKey.objects.filter(revoked_at__isnull=True).exists()


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"]
)
@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_a_body_that_is_not_declared_as_json_is_a_415(
    acme: SimpleNamespace, route: Route, media_type: str
) -> None:
    response = send(acme, route, b"{}", content_type=media_type)
    assert answer(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_json_may_name_its_charset(acme: SimpleNamespace, route: Route) -> None:
    assert send(acme, route, b"{}", content_type="application/json; charset=utf-8").status_code != 415


@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_a_body_over_the_limit_is_too_large(acme: SimpleNamespace, route: Route) -> None:
    space = b" " * (route.largest_body - 1)
    assert answer(send(acme, route, b"{}" + space)) == (413, "payload_too_large")
    assert send(acme, route, b"{}" + space[:-1]).status_code != 413


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_what_can_not_be_stored_is_invalid_in_every_field(
    acme: SimpleNamespace, route: Route, what: str
) -> None:
    for field in route.body or {}:
        body = b'{"' + field.encode() + b'": ' + HOSTILE[what] + b"}"
        assert answer(send(acme, route, body)) == (422, "invalid_body"), field


@pytest.mark.parametrize("route", OPTIONAL, ids=label)
def test_a_field_that_is_not_named_is_ignored_whatever_it_holds(acme: SimpleNamespace, route: Route) -> None:
    body = rb'{"else": {"\u0000": ["\u0000"]}, "a\u0000": 1}'
    assert send(acme, route, body).status_code in (200, 201, 202)


@pytest.mark.parametrize(
    "value",
    [None, True, 1.5, 10**300, -1, "", " ", [], {}, [[]], [None], {"a": 1}, "😀", "x" * 5_000],
    ids=lambda value: repr(value)[:12],
)
@pytest.mark.parametrize("route", WITH_BODY, ids=label)
def test_no_value_of_any_field_is_a_server_error(acme: SimpleNamespace, route: Route, value: Any) -> None:
    path = route.path_to_things_of(acme.organization)
    for field in route.body or {}:
        response = Caller(make_key(acme.organization)).send(route.method, path, encoded({field: value}))
        assert response.status_code < 500, field


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", DEEP, b"\xff"], ids=lambda body: str(body[:4]))
@pytest.mark.parametrize("route", IGNORES_A_BODY, ids=label)
def test_a_call_that_takes_no_body_ignores_what_is_sent(
    acme: SimpleNamespace, route: Route, body: bytes
) -> None:
    assert send(acme, route, body, content_type="text/plain").status_code in (200, 202, 204)

"""Each code, provoked by a real call: a code that nobody can produce has no page, and a page no code."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from deliveries.models import EndpointSecret
from events.idempotency import reserve
from organizations.models import ApiKey
from tests.calls import Caller, encoded
from tests.doors import Dawdling, Scope, exchange
from tests.factories import make_endpoint, make_key
from triggers_project.problem_pages import PAGES
from triggers_project.problems import TABLE

EVENT = {"type": "order.created", "payload": {"n": 1}, "dedup_id": "d-1"}
EVENTS, KEYS = "/api/events", "/api/keys"
NOBODYS_KEY = "trg_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVW1R9lWo"
Provoke = Callable[[SimpleNamespace, pytest.FixtureRequest], HttpResponse]


def duplicate(acme: SimpleNamespace, _: Any) -> HttpResponse:
    make_endpoint(acme.organization)
    acme.api.post(EVENTS, EVENT)
    return acme.api.post(EVENTS, EVENT)


def mismatch(acme: SimpleNamespace, _: Any) -> HttpResponse:
    make_endpoint(acme.organization)
    acme.api.post(EVENTS, EVENT, headers={"Idempotency-Key": "k"})
    return acme.api.post(EVENTS, {**EVENT, "payload": 2}, headers={"Idempotency-Key": "k"})


def in_flight(acme: SimpleNamespace, _: Any) -> HttpResponse:
    reserve(acme.organization, "k", call=f"POST {EVENTS}", body=encoded(EVENT))
    return acme.api.post(EVENTS, EVENT, headers={"Idempotency-Key": "k"})


def dawdle(_: SimpleNamespace, request: pytest.FixtureRequest) -> HttpResponse:
    request.getfixturevalue("monkeypatch").setattr("triggers_project.web.bodies.BODY_SECONDS", 0.02)
    scope = Scope("POST", KEYS, [("Host", "localhost"), ("Content-Length", "100")])
    return exchange((scope, Dawdling(b"{")))[0]


def over_the_limit(acme: SimpleNamespace, _: Any) -> HttpResponse:
    return acme.api.post(f"{EVENTS}/batch", {"events": [{"type": "a", "payload": 1}] * 101})


def too_many_endpoints(acme: SimpleNamespace, request: pytest.FixtureRequest) -> HttpResponse:
    request.getfixturevalue("settings").ENDPOINTS_PER_ORGANIZATION = 1
    make_endpoint(acme.organization)
    return acme.api.post("/api/endpoints", {"url": "http://93.184.215.14/"})


def too_many_keys(acme: SimpleNamespace, request: pytest.FixtureRequest) -> HttpResponse:
    request.getfixturevalue("settings").KEYS_PER_ORGANIZATION = 1
    return acme.api.post(KEYS, {"name": "n"})


def sign_up_when_closed(_: SimpleNamespace, request: pytest.FixtureRequest) -> HttpResponse:
    request.getfixturevalue("settings").SIGNUP_OPEN = False
    return Caller().post(f"{KEYS}/generate", {"organization_name": "n"})


def break_down(acme: SimpleNamespace, request: pytest.FixtureRequest) -> HttpResponse:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    request.getfixturevalue("monkeypatch").setattr("deliveries.intake.accept_event", fail)
    return acme.api.post(EVENTS, EVENT)


def without_database(_: SimpleNamespace, request: pytest.FixtureRequest) -> HttpResponse:
    request.getfixturevalue("no_database")
    return Caller(NOBODYS_KEY).get(KEYS)


def with_a_lost_key(acme: SimpleNamespace, _: Any) -> HttpResponse:
    endpoint = make_endpoint(acme.organization)
    EndpointSecret.objects.update(encrypted="under a key that is gone")
    return acme.api.get(f"/api/endpoints/{endpoint.pk}/secret")


def search_for_too_much(acme: SimpleNamespace, request: pytest.FixtureRequest) -> HttpResponse:
    """Another holds the table, so that even this search takes too long."""
    request.getfixturevalue("monkeypatch").setattr("events.api.SEARCH_SECONDS", 0.05)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE events_event IN ACCESS EXCLUSIVE MODE")
        return acme.api.get(EVENTS, payload='{"of":"searched-for-customer"}')
    finally:
        other.close()


PROVOKED: dict[str, tuple[int, Provoke]] = {
    "bad_request": (400, lambda acme, _: acme.api.get(KEYS, headers={"Host": "evil.example"})),
    "malformed_body": (400, lambda acme, _: acme.api.post(KEYS, b"{")),
    "unauthorized": (401, lambda _acme, _: Caller().get(KEYS)),
    "missing_scope": (
        403,
        lambda acme, _: Caller(make_key(acme.organization, scopes=["events:read"])).post(EVENTS, EVENT),
    ),
    "signup_closed": (403, sign_up_when_closed),
    "not_found": (404, lambda acme, _: acme.api.get("/api/nothing")),
    "no_endpoint": (422, lambda acme, _: acme.api.post(EVENTS, EVENT)),
    "method_not_allowed": (405, lambda acme, _: acme.api.send("PUT", EVENTS, EVENT)),
    "not_acceptable": (406, lambda acme, _: acme.api.get(KEYS, headers={"Accept": "text/html"})),
    "duplicate_event": (409, duplicate),
    "idempotency_mismatch": (422, mismatch),
    "idempotency_in_flight": (409, in_flight),
    "too_many_endpoints": (409, too_many_endpoints),
    "too_many_keys": (409, too_many_keys),
    "last_key": (409, lambda acme, _: acme.api.delete(f"{KEYS}/{ApiKey.objects.get().pk}")),
    "request_timeout": (408, dawdle),
    "payload_too_large": (413, lambda acme, _: acme.api.post(EVENTS, b" " * 262_145)),
    "unsupported_media_type": (
        415,
        lambda acme, _: acme.api.send("POST", EVENTS, EVENT, content_type="text/plain"),
    ),
    "invalid_body": (422, lambda acme, _: acme.api.post(KEYS, {})),
    "invalid_query": (422, lambda acme, _: acme.api.get(EVENTS, limit="x")),
    "invalid_header": (422, lambda acme, _: acme.api.post(EVENTS, EVENT, headers={"Idempotency-Key": ""})),
    "forbidden_target": (422, lambda acme, _: acme.api.post("/api/endpoints", {"url": "http://10.0.0.1/"})),
    "search_too_broad": (422, search_for_too_much),
    "rate_limited": (429, over_the_limit),
    "internal_error": (500, break_down),
    "secret_unreadable": (500, with_a_lost_key),
    "unavailable": (503, without_database),
}


@pytest.mark.parametrize("code", PAGES)
def test_every_code_is_what_a_call_is_answered(request: pytest.FixtureRequest, code: str) -> None:
    if code not in PROVOKED:
        pytest.fail(f"No call is known that is answered {code}: add one to PROVOKED, or take its page away.")
    status, provoke = PROVOKED[code]
    acme = None if code == "unavailable" else request.getfixturevalue("acme")
    response = provoke(acme, request)
    document = response.json()
    assert (response.status_code, document["status"], document["code"]) == (status, status, code)
    assert (document["type"], document["title"]) == (f"/problems/{code}", PAGES[code].title)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert document["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize("code", PAGES)
def test_every_code_has_a_page_where_its_type_points(anyone: Caller, code: str) -> None:
    page = anyone.get(f"/problems/{code}")
    assert page.status_code == 200
    assert code in page.content.decode()


def test_there_is_a_page_for_each_code_and_for_nothing_else() -> None:
    codes = {code for _, code in TABLE.values()} | {"internal_error"}  # what is in no table
    assert set(PAGES) == codes
    assert set(PROVOKED) == codes

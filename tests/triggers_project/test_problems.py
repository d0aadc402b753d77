import inspect
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from deliveries import errors as deliveries
from events import errors as events
from organizations import errors as organizations
from organizations.errors import Refused
from tests.calls import Caller
from triggers_project.problem_pages import PAGES
from triggers_project.problems import TABLE

REFUSALS = sorted(
    {
        found
        for module in (organizations, events, deliveries)
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Refused) and found is not Refused
    },
    key=lambda found: found.__name__,
)
OUR_FAULT = {deliveries.SecretUnreadable}  # not the caller's, and still said in words
EVENT = {"type": "order.created", "payload": 1}


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda found: found.__name__)
def test_every_refusal_of_the_trade_has_a_status_and_a_code(refusal: type[Refused]) -> None:
    status, code = TABLE[refusal]
    assert 500 <= status < 600 if refusal in OUR_FAULT else 400 <= status < 500
    assert code in PAGES


@pytest.mark.parametrize("code", sorted({code for _, code in TABLE.values()}))
def test_every_code_is_documented_where_its_type_points(anyone: Caller, code: str) -> None:
    page = anyone.get(f"/problems/{code}")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert PAGES[code].todo.split("<")[0][:20] in page.content.decode().replace("&quot;", '"').replace(
        "&#x27;", "'"
    )


def test_the_index_names_every_code(anyone: Caller) -> None:
    content = anyone.get("/problems").content.decode()
    assert [code for code in PAGES if f'href="/problems/{code}"' not in content] == []


def test_a_code_that_nobody_uses_is_not_there(anyone: Caller) -> None:
    assert anyone.get("/problems/nothing").status_code == 404


def test_what_we_did_not_foresee_is_a_500_that_gives_nothing_away(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("hidden")

    monkeypatch.setattr("deliveries.intake.accept_event", break_down)
    response = acme.api.post("/api/events", EVENT, headers={"X-Request-ID": "mine"})
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/internal_error",
        "title": "Something broke here",
        "status": 500,
        "detail": "This is our mistake, and it is in our log under the request id.",
        "code": "internal_error",
        "request_id": "mine",
    }


def test_what_breaks_outside_of_a_view_is_a_500_of_the_same_form(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("hidden")

    monkeypatch.setattr("organizations.middleware.limit_headers", break_down)
    response = acme.api.get("/api/keys")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "hidden" not in response.content.decode()


def test_a_refused_field_is_pointed_at(acme: SimpleNamespace) -> None:
    document = acme.api.post("/api/keys", {"name": "n", "scopes": ["fly"]}).json()
    assert document["errors"] == [{"pointer": "#/scopes/0", "detail": '"fly" is not a valid choice.'}]


def test_without_a_refused_field_nothing_is_pointed_at(acme: SimpleNamespace) -> None:
    assert "errors" not in acme.api.get("/api/webhook/config").json()


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
def test_who_takes_no_json_gets_a_406(acme: SimpleNamespace, accept: str) -> None:
    response = acme.api.get("/api/keys", headers={"Accept": accept})
    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, */*;q=0.1", "application/*"])
def test_who_takes_json_gets_it(acme: SimpleNamespace, accept: str) -> None:
    assert acme.api.get("/api/keys", headers={"Accept": accept}).status_code == 200


def test_a_host_that_is_not_ours_is_a_400(anyone: Caller) -> None:
    response = anyone.get("/api/keys", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/keys/generate", "/api/keys"])
def test_a_body_over_64_kib_is_a_413(acme: SimpleNamespace, path: str) -> None:
    response = acme.api.post(path, {"organization_name": "x" * 65_536, "name": "x" * 65_536})
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_database_it_is_a_503_that_says_when_to_come_back(method: str) -> None:
    key = "trg_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVW1R9lWo"
    response = Caller(key).send(method, "/api/events", EVENT)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "5"
    assert "127.0.0.1" not in response.content.decode()


def test_a_database_that_goes_away_in_the_middle_is_a_503(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_away(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection: secret detail")

    monkeypatch.setattr("deliveries.intake.accept_event", go_away)
    response = acme.api.post("/api/events", EVENT)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "secret detail" not in response.content.decode()

import uuid
from types import SimpleNamespace

import pytest

from organizations.models import Organization
from tests.calls import Caller
from tests.factories import make_event


@pytest.mark.parametrize("given", ["a", "x" * 128, "order 1/2 {~}"])
def test_a_callers_own_request_id_comes_back(anyone: Caller, given: str) -> None:
    assert anyone.get("/health/live", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "ü", "a\tb", "a\x7fb", "a\x01"])
def test_any_other_request_id_is_replaced(anyone: Caller, given: str) -> None:
    answered = anyone.get("/health/live", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert uuid.UUID(answered).version == 4


def test_each_request_has_an_id_of_its_own(anyone: Caller) -> None:
    first, second = (anyone.get("/health/live").headers["X-Request-ID"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    "path", ["/api/keys", "/api/nothing", "/nothing", "/health/live", "/problems", "/admin/login/"]
)
def test_every_answer_has_one(db: None, anyone: Caller, path: str) -> None:
    assert anyone.get(path).headers["X-Request-ID"]


def test_a_problem_names_the_same_id(anyone: Caller, db: None) -> None:
    response = anyone.get("/api/keys")
    assert response.json()["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/api/keys", "/health/live", "/problems", "/admin/login/", "/nothing"])
def test_every_answer_has_the_headers_that_keep_browsers_careful(db: None, anyone: Caller, path: str) -> None:
    headers = anyone.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert set(headers["Content-Security-Policy"].split("; ")) == {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    }


def test_no_cache_keeps_what_the_api_answers(acme: SimpleNamespace, anyone: Caller) -> None:
    assert acme.api.post("/api/keys/rotate").headers["Cache-Control"] == "no-store"
    assert anyone.get("/api/keys").headers["Cache-Control"] == "no-store"


def test_the_api_sets_no_cookie(acme: SimpleNamespace) -> None:
    assert not acme.api.get("/api/keys").cookies


def test_a_cookie_is_no_key(acme: SimpleNamespace, anyone: Caller) -> None:
    anyone.client.cookies["X-API-Key"] = acme.key
    assert anyone.get("/api/keys").status_code == 401


# --- Browsers of other origins -------------------------------------------------------------------------------------


@pytest.fixture
def allowed_origin(settings: pytest.FixtureDef) -> str:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    return "https://app.example"


def test_an_allowed_origin_may_read_the_answer_and_its_figures(
    acme: SimpleNamespace, allowed_origin: str
) -> None:
    headers = acme.api.get("/api/keys", headers={"Origin": allowed_origin}).headers
    assert headers["Access-Control-Allow-Origin"] == allowed_origin
    exposed = headers["Access-Control-Expose-Headers"].split(", ")
    assert {"x-request-id", "retry-after", "x-ratelimit-remaining", "ratelimit"} <= set(exposed)
    assert "Access-Control-Allow-Credentials" not in headers


def test_an_allowed_origin_may_ask_first(anyone: Caller, allowed_origin: str) -> None:
    response = anyone.client.options(
        "/api/events",
        headers={
            "Origin": allowed_origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-api-key, content-type, idempotency-key",
        },
    )
    allowed = response.headers["Access-Control-Allow-Headers"].split(", ")
    assert response.status_code == 200
    assert {"x-api-key", "authorization", "content-type", "idempotency-key", "x-request-id"} <= set(allowed)
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    ("path", "origin"), [("/api/keys", "https://evil.example"), ("/health/live", "https://app.example")]
)
def test_no_other_origin_and_no_other_path(
    acme: SimpleNamespace, allowed_origin: str, path: str, origin: str
) -> None:
    headers = acme.api.get(path, headers={"Origin": origin}).headers
    assert "Access-Control-Allow-Origin" not in headers


def test_without_setting_no_origin_is_allowed(acme: SimpleNamespace) -> None:
    headers = acme.api.get("/api/keys", headers={"Origin": "https://app.example"}).headers
    assert "Access-Control-Allow-Origin" not in headers


# --- One spelling -------------------------------------------------------------------------------------------------


def test_a_trailing_slash_is_taken_off_before_the_query(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    answer = acme.api.client.get("/api/inbox/?limit=1").json()
    assert [item["id"] for item in answer["items"]] == [str(event.pk)]


def test_a_post_with_a_trailing_slash_keeps_its_body(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    assert acme.api.post("/api/events/", {"type": "a", "payload": 1}).status_code == 202


@pytest.mark.parametrize("path", ["/api/events", "/api/nothing", "/api/keys/generate"])
def test_the_api_never_redirects(db: None, anyone: Caller, path: str) -> None:
    for spelled in (path, path + "/"):
        assert not 300 <= anyone.get(spelled).status_code < 400

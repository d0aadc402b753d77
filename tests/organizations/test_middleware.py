"""The limit of a tier, as a caller sees it."""

from types import SimpleNamespace

import pytest
from django.http import HttpResponse

from events.models import Event
from organizations import redis_client
from organizations.models import Organization
from organizations.tiers import EVENTS_PER_MINUTE, Tier
from tests.calls import Caller
from tests.concurrency import at_once
from tests.spending import was_spent

EVENT = {"type": "order.created", "payload": {}}


@pytest.fixture(autouse=True)
def _inbox_is_enough(request: pytest.FixtureRequest) -> None:
    tenant = "committed_acme" if "committed_acme" in request.fixturenames else "acme"
    request.getfixturevalue(tenant)
    Organization.objects.update(inbox_only=True)


def spend_all_but(left: int, tenant: SimpleNamespace, *, ago: int = 0) -> int:
    """Spends the tier's limit, so many seconds ago. Returns the second in which it was spent."""
    return was_spent(f"events:{tenant.organization.pk}", {ago: 100 - left}) - ago


def figures(response: object) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if "ratelimit" in name.lower()}


def test_the_tiers_are_these() -> None:
    assert {
        Tier.FREE: 100,
        Tier.PRO: 1_000,
        Tier.BUSINESS: 10_000,
        Tier.ENTERPRISE: 100_000,
    } == EVENTS_PER_MINUTE


def test_an_accepted_event_shows_what_is_left(acme: SimpleNamespace) -> None:
    second = spend_all_but(40, acme, ago=20)
    response = acme.api.post("/api/events", EVENT)
    reset = int(response.headers["RateLimit"].rpartition("t=")[2])
    assert response.status_code == 202
    assert 39 <= reset <= 41
    assert figures(response) == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "39",
        "X-RateLimit-Reset": str(second + 61),
        "RateLimit-Policy": '"events";q=100;w=60',
        "RateLimit": f'"events";r=39;t={reset}',
    }


def test_over_the_limit_the_figures_agree_and_nothing_is_stored(acme: SimpleNamespace) -> None:
    second = spend_all_but(0, acme, ago=20)
    response = acme.api.post("/api/events", EVENT)
    wait = response.headers["Retry-After"]
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert 39 <= int(wait) <= 41
    assert figures(response) == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(second + 61),
        "RateLimit-Policy": '"events";q=100;w=60',
        "RateLimit": f'"events";r=0;t={wait}',
    }
    assert not Event.objects.exists()


def test_a_call_that_stores_nothing_shows_the_figures_and_costs_nothing(acme: SimpleNamespace) -> None:
    spend_all_but(40, acme)
    assert [acme.api.get("/api/events").headers["X-RateLimit-Remaining"] for _ in range(2)] == ["40", "40"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/events/019b0000-0000-7000-8000-000000000000", 404),
        ("DELETE", "/api/events", 405),
        ("POST", "/api/keys", 422),
    ],
)
def test_every_answer_to_a_key_shows_the_figures(
    acme: SimpleNamespace, method: str, path: str, status: int
) -> None:
    response = acme.api.send(method, path, {})
    assert response.status_code == status
    assert len(figures(response)) == 5


def test_a_batch_costs_its_number_of_events(acme: SimpleNamespace) -> None:
    response = acme.api.post("/api/events/batch", {"events": [EVENT] * 30})
    assert (response.status_code, response.headers["X-RateLimit-Remaining"]) == (202, "70")


def test_a_batch_over_the_limit_stores_nothing_and_spends_nothing(acme: SimpleNamespace) -> None:
    spend_all_but(29, acme)
    response = acme.api.post("/api/events/batch", {"events": [EVENT] * 30})
    assert (response.status_code, response.headers["X-RateLimit-Remaining"]) == (429, "29")
    assert not Event.objects.exists()


def test_one_tenants_limit_is_not_anothers(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    spend_all_but(0, acme)
    assert rival.api.post("/api/events", EVENT).status_code == 202


def test_all_keys_of_a_tenant_share_its_limit(acme: SimpleNamespace) -> None:
    spend_all_but(0, acme)
    other = acme.api.post("/api/keys", {"name": "other"}).json()["api_key"]
    assert Caller(other).post("/api/events", EVENT).status_code == 429


def test_many_callers_at_once_store_no_more_than_the_limit(committed_acme: SimpleNamespace) -> None:
    spend_all_but(10, committed_acme)
    key = committed_acme.key
    responses = at_once([lambda: Caller(key).post("/api/events", EVENT).status_code] * 30)
    assert sorted(responses) == [202] * 10 + [429] * 20
    assert Event.objects.count() == 10


@pytest.mark.usefixtures("no_redis")
def test_without_redis_events_are_accepted_and_counted(acme: SimpleNamespace) -> None:
    responses = [acme.api.post("/api/events", EVENT) for _ in range(101)]
    assert [response.status_code for response in responses] == [202] * 100 + [429]
    assert responses[-1].headers["X-RateLimit-Remaining"] == "0"
    assert Event.objects.count() == 100


# --- All figures agree, at every step -----------------------------------------------------------------------------


def read(response: HttpResponse) -> tuple[int, int, int]:
    """(limit, remaining, unix second of the reset), once everything that the headers say was found to agree."""
    headers = response.headers
    limit, remaining, reset = (
        int(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")
    )
    wait = int(headers["RateLimit"].rpartition("t=")[2])
    assert headers["RateLimit-Policy"] == f'"events";q={limit};w=60'
    assert headers["RateLimit"] == f'"events";r={remaining};t={wait}'
    assert 0 <= remaining <= limit
    assert 0 <= wait <= 61
    assert abs(redis_client.client().time()[0] + wait - reset) <= 2
    if response.status_code == 429:
        assert headers["Retry-After"] == str(wait)
        assert wait >= 1
    else:
        assert "Retry-After" not in headers
    return limit, remaining, reset


def test_the_figures_agree_at_every_step_to_the_limit_and_over_it(acme: SimpleNamespace) -> None:
    second = spend_all_but(4, acme, ago=30)
    responses = [acme.api.post("/api/events", EVENT) for _ in range(6)]
    assert [response.status_code for response in responses] == [202] * 4 + [429] * 2
    assert [read(response) for response in responses] == [
        (100, left, second + 61) for left in (3, 2, 1, 0, 0, 0)
    ]


def test_the_figures_agree_for_batches_that_fit_and_that_do_not(acme: SimpleNamespace) -> None:
    second = spend_all_but(5, acme, ago=30)
    responses = [acme.api.post("/api/events/batch", {"events": [EVENT] * size}) for size in (3, 3, 2, 1)]
    assert [response.status_code for response in responses] == [202, 429, 202, 429]
    assert [read(response) for response in responses] == [(100, left, second + 61) for left in (2, 2, 0, 0)]


def test_the_figures_agree_for_a_batch_that_can_never_fit(acme: SimpleNamespace) -> None:
    response = acme.api.post("/api/events/batch", {"events": [EVENT] * 101})
    assert (response.status_code, response.headers["Retry-After"]) == (429, "60")
    assert read(response)[:2] == (100, 100)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/events"), ("POST", "/api/events/batch"), ("PUT", "/api/keys")]
)
def test_the_figures_agree_on_what_costs_nothing(acme: SimpleNamespace, method: str, path: str) -> None:
    second = spend_all_but(7, acme, ago=30)
    assert read(acme.api.send(method, path)) == (100, 7, second + 61)


def test_the_figures_of_fifty_callers_at_once_agree_and_no_place_is_taken_twice(
    committed_acme: SimpleNamespace,
) -> None:
    second = spend_all_but(10, committed_acme, ago=20)
    key = committed_acme.key
    Caller(key).get("/api/keys")
    responses = at_once([lambda: Caller(key).post("/api/events", EVENT)] * 50)
    passed = [read(response) for response in responses if response.status_code == 202]
    refused = [read(response) for response in responses if response.status_code == 429]
    assert sorted(passed) == [(100, left, second + 61) for left in range(10)]
    assert refused == [(100, 0, second + 61)] * 40
    assert Event.objects.count() == 10

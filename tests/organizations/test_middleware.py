"""The limit of a tier, as a caller sees it."""

from types import SimpleNamespace

import pytest

from events.models import Event
from organizations import redis_client
from organizations.models import Organization
from organizations.tiers import EVENTS_PER_MINUTE, Tier
from tests.calls import Caller
from tests.concurrency import at_once

EVENT = {"type": "order.created", "payload": {}}


@pytest.fixture(autouse=True)
def _inbox_is_enough(request: pytest.FixtureRequest) -> None:
    tenant = "committed_acme" if "committed_acme" in request.fixturenames else "acme"
    request.getfixturevalue(tenant)
    Organization.objects.update(inbox_only=True)


def spend_all_but(left: int, tenant: SimpleNamespace, *, ago: int = 0) -> int:
    """Spends the tier's limit, so many seconds ago. Returns the second in which it was spent."""
    second = redis_client.client().time()[0] - ago
    redis_client.client().hset(f"triggers:limit:events:{tenant.organization.pk}", str(second), 100 - left)
    return int(second)


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

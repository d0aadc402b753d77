"""/api/endpoints"""

import uuid
from types import SimpleNamespace

import pytest
from django.utils import timezone

from deliveries.models import Delivery, Endpoint, EndpointSecret
from organizations import redis_client
from tests.calls import Caller, pointers
from tests.concurrency import at_once
from tests.deliveries.engine_room import claim
from tests.factories import SOMEWHERE, make_delivery, make_endpoint

ENDPOINTS = "/api/endpoints"
ELSEWHERE = "https://1.1.1.1/hooks"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization)


def path_of(endpoint: Endpoint, verb: str = "") -> str:
    return f"{ENDPOINTS}/{endpoint.pk}{verb}"


def stamp(moment: object) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_a_new_endpoint_is_answered_with_its_secret(acme: SimpleNamespace) -> None:
    response = acme.api.post(
        ENDPOINTS,
        {"url": SOMEWHERE, "description": "Ours", "event_types": ["order.*"], "secret": SECRET},
    )
    endpoint = Endpoint.objects.get()
    assert response.status_code == 201
    assert (
        response.json().items()
        >= {
            "id": str(endpoint.pk),
            "url": SOMEWHERE,
            "description": "Ours",
            "event_types": ["order.*"],
            "state": "enabled",
            "disabled_reason": "",
            "created_at": stamp(endpoint.created_at),
            "secret": SECRET,
        }.items()
    )
    assert endpoint.is_default is False


def test_a_secret_is_made_when_none_is_given(acme: SimpleNamespace) -> None:
    secret = acme.api.post(ENDPOINTS, {"url": SOMEWHERE}).json()["secret"]
    assert secret.startswith("whsec_")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/url"),
        ({"url": None}, "#/url"),
        ({"url": SOMEWHERE, "secret": "short"}, "#/secret"),
        ({"url": SOMEWHERE, "description": "d" * 501}, "#/description"),
        ({"url": SOMEWHERE, "description": "a\x00"}, "#/description"),
        ({"url": SOMEWHERE, "event_types": ["a..b"]}, "#/event_types/0"),
        ({"url": SOMEWHERE, "event_types": None}, "#/event_types"),
    ],
)
def test_what_does_not_fit_makes_none(acme: SimpleNamespace, body: object, pointer: str) -> None:
    response = acme.api.post(ENDPOINTS, body)
    assert (response.status_code, pointers(response)) == (422, [pointer])
    assert not Endpoint.objects.exists()
    assert not EndpointSecret.objects.exists()


def test_a_url_that_may_not_be_called_makes_none(acme: SimpleNamespace) -> None:
    response = acme.api.post(ENDPOINTS, {"url": "http://169.254.169.254/latest"})
    assert (response.status_code, response.json()["code"]) == (422, "forbidden_target")
    assert not Endpoint.objects.exists()


def test_the_list_shows_the_tenants_endpoints_newest_first(
    acme: SimpleNamespace, rival: SimpleNamespace
) -> None:
    first, second = make_endpoint(acme.organization), make_endpoint(acme.organization)
    make_endpoint(rival.organization)
    make_endpoint(acme.organization, deleted_at=timezone.now())
    page = acme.api.get(ENDPOINTS).json()
    assert [item["id"] for item in page["items"]] == [str(second.pk), str(first.pk)]
    assert (page["has_more"], page["next_cursor"]) == (False, None)


def test_an_endpoint_shows_its_health_and_no_secret(acme: SimpleNamespace) -> None:
    now = timezone.now()
    endpoint = make_endpoint(
        acme.organization,
        secret=SECRET,
        state="disabled",
        disabled_reason="Gone.",
        consecutive_failures=3,
        last_failure_at=now,
    )
    response = acme.api.get(path_of(endpoint))
    assert (
        response.json()["health"].items()
        >= {
            "consecutive_failures": 3,
            "last_success_at": None,
            "last_failure_at": stamp(now),
        }.items()
    )
    assert (response.json()["state"], response.json()["disabled_reason"]) == ("disabled", "Gone.")
    assert SECRET not in response.content.decode()


# --- How many ------------------------------------------------------------------------------------------------------


def test_a_tenant_that_has_as_many_as_it_may_have_gets_no_more(
    acme: SimpleNamespace, settings: pytest.FixtureDef
) -> None:
    settings.ENDPOINTS_PER_ORGANIZATION = 2
    statuses = [acme.api.post(ENDPOINTS, {"url": SOMEWHERE}).status_code for _ in range(3)]
    refused = acme.api.post("/api/webhook/config", {"webhook_url": SOMEWHERE})
    assert statuses == [201, 201, 409]
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_endpoints")
    assert Endpoint.objects.count() == 2


def test_deleted_ones_and_other_tenants_do_not_count(
    acme: SimpleNamespace, rival: SimpleNamespace, settings: pytest.FixtureDef
) -> None:
    settings.ENDPOINTS_PER_ORGANIZATION = 1
    make_endpoint(rival.organization)
    make_endpoint(acme.organization, deleted_at=timezone.now())
    assert acme.api.post(ENDPOINTS, {"url": SOMEWHERE}).status_code == 201


def test_many_at_once_make_no_more_than_there_may_be(
    committed_acme: SimpleNamespace, settings: pytest.FixtureDef
) -> None:
    settings.ENDPOINTS_PER_ORGANIZATION = 3
    key = committed_acme.key
    statuses = at_once([lambda: Caller(key).post(ENDPOINTS, {"url": SOMEWHERE}).status_code] * 10)
    assert sorted(statuses) == [201] * 3 + [409] * 7


# --- Change -------------------------------------------------------------------------------------------------------


def test_a_change_changes_what_is_given(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    response = acme.api.patch(path_of(endpoint), {"url": ELSEWHERE, "event_types": ["a.*"]})
    assert (response.status_code, response.json()["url"], response.json()["event_types"]) == (
        200,
        ELSEWHERE,
        ["a.*"],
    )
    again = acme.api.patch(path_of(endpoint), {"description": "Ours"}).json()
    assert (again["url"], again["description"]) == (ELSEWHERE, "Ours")


def test_what_waits_goes_to_the_new_url(committed_acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(committed_acme.organization)
    make_delivery(endpoint)
    committed_acme.api.patch(path_of(endpoint), {"url": ELSEWHERE})
    assert [(delivery.url, delivery.revision) for delivery in claim()] == [(ELSEWHERE, 2)]


@pytest.mark.parametrize(
    "body",
    [
        {"url": None},
        {"url": "http://10.0.0.1/"},
        {"event_types": ["**"]},
        {"description": "d" * 501},
        [],
        {"url": ELSEWHERE, "event_types": "all"},
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(
    acme: SimpleNamespace, endpoint: Endpoint, body: object
) -> None:
    before = Endpoint.objects.values().get()
    assert acme.api.patch(path_of(endpoint), body).status_code == 422
    assert Endpoint.objects.values().get() == before


@pytest.mark.parametrize("name", ["state", "is_default", "organization_id", "id", "deleted_at", "revision"])
def test_nothing_else_can_be_changed(acme: SimpleNamespace, endpoint: Endpoint, name: str) -> None:
    before = Endpoint.objects.values().get()
    acme.api.patch(path_of(endpoint), {name: "paused"})
    after = Endpoint.objects.values().get()
    assert {**after, "revision": 0} == {**before, "revision": 0}


# --- Delete -------------------------------------------------------------------------------------------------------


def test_a_deleted_endpoint_is_gone(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    assert acme.api.delete(path_of(endpoint)).status_code == 204
    assert acme.api.get(path_of(endpoint)).status_code == 404
    assert acme.api.delete(path_of(endpoint)).status_code == 404
    assert acme.api.get(ENDPOINTS).json()["items"] == []


def test_what_was_still_to_be_sent_is_canceled_and_the_rest_is_kept(
    acme: SimpleNamespace, endpoint: Endpoint
) -> None:
    statuses = ("pending", "failed", "delivered", "dead_letter")
    deliveries = [make_delivery(endpoint, status=status).pk for status in statuses]
    other = make_delivery(make_endpoint(acme.organization))
    acme.api.delete(path_of(endpoint))
    after = [Delivery.objects.get(pk=pk).status for pk in deliveries]
    assert after == ["canceled", "canceled", "delivered", "dead_letter"]
    other.refresh_from_db()
    assert other.status == "pending"


def test_without_any_endpoint_left_events_are_refused(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    acme.api.delete(path_of(endpoint))
    response = acme.api.post("/api/events", {"type": "a", "payload": 1})
    assert (response.status_code, response.json()["code"]) == (422, "no_endpoint")


# --- Pause and resume ---------------------------------------------------------------------------------------------


def test_pause_keeps_and_resume_sends(committed_acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(committed_acme.organization)
    paused = committed_acme.api.post(path_of(endpoint, "/pause"))
    make_delivery(endpoint)
    assert (paused.status_code, paused.json()["state"], claim()) == (200, "paused", [])
    resumed = committed_acme.api.post(path_of(endpoint, "/resume"))
    assert (resumed.status_code, resumed.json()["state"], len(claim())) == (200, "enabled", 1)


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("pause", "paused", "paused"),
        ("pause", "disabled", "disabled"),
        ("resume", "enabled", "enabled"),
        ("resume", "disabled", "enabled"),
    ],
)
def test_from_any_state(acme: SimpleNamespace, verb: str, before: str, after: str) -> None:
    endpoint = make_endpoint(acme.organization, state=before, disabled_reason="Gone.")
    response = acme.api.post(path_of(endpoint, f"/{verb}"))
    reason = "" if (before, after) == ("disabled", "enabled") else "Gone."
    assert (response.json()["state"], response.json()["disabled_reason"]) == (after, reason)


def test_resume_rings(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization, state="paused")
    acme.api.post(path_of(endpoint, "/resume"))
    assert redis_client.client().llen("deliveries") == 1


@pytest.mark.parametrize(("method", "verb"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause")])
def test_an_unknown_endpoint_is_not_there(acme: SimpleNamespace, method: str, verb: str) -> None:
    response = acme.api.send(method, f"{ENDPOINTS}/{uuid.uuid4()}{verb}", {})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")

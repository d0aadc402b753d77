"""POST /api/events"""

import json
import uuid
from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from deliveries.models import Delivery, Endpoint
from events.models import Event, OnceKey
from organizations.models import Organization
from tests.calls import Caller, pointers
from tests.concurrency import at_once
from tests.deliveries.engine_room import claim
from tests.factories import make_endpoint, make_key

pytestmark = pytest.mark.usefixtures("door")

EVENTS = "/api/events"
EVENT = {"type": "order.created", "payload": {"n": 1}}
LIMIT = 262_144


@pytest.fixture(autouse=True)
def _inbox_is_enough(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("committed_acme" if "committed_acme" in request.fixturenames else "acme")
    Organization.objects.update(inbox_only=True)


def body_of(size: int) -> bytes:
    """An event whose body has so many bytes."""
    bare = json.dumps({"type": "a", "payload": ""}).encode()
    return bare.replace(b'""', b'"' + b"x" * (size - len(bare)) + b'"')


def test_an_accepted_event_is_answered_like_this(acme: SimpleNamespace) -> None:
    response = acme.api.post(EVENTS, {**EVENT, "dedup_id": "order-1"})
    event = Event.objects.get()
    assert response.status_code == 202
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "id": str(event.pk),
        "type": "order.created",
        "dedup_id": "order-1",
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
        "status": "pending",
    }


def test_without_a_dedup_id_the_answer_says_null(acme: SimpleNamespace) -> None:
    assert acme.api.post(EVENTS, EVENT).json()["dedup_id"] is None


def test_a_duplicate_is_a_conflict_that_names_the_first(acme: SimpleNamespace) -> None:
    first = acme.api.post(EVENTS, {**EVENT, "dedup_id": "d"}).json()["id"]
    response = acme.api.post(EVENTS, {**EVENT, "dedup_id": "d"}, headers={"X-Request-ID": "mine"})
    assert response.status_code == 409
    assert response.json() == {
        "type": "/problems/duplicate_event",
        "title": "Duplicate event",
        "status": 409,
        "detail": "An event with this dedup_id was accepted within the last 24 hours.",
        "code": "duplicate_event",
        "request_id": "mine",
        "event_id": first,
    }
    assert Event.objects.count() == 1


def test_of_fifty_duplicates_at_once_one_is_accepted_and_the_others_name_it(
    committed_acme: SimpleNamespace,
) -> None:
    key, body = committed_acme.key, {**EVENT, "dedup_id": "d"}
    responses = at_once([lambda: Caller(key).post(EVENTS, body)] * 50)
    (accepted,) = [response.json()["id"] for response in responses if response.status_code == 202]
    named = [response.json()["event_id"] for response in responses if response.status_code == 409]
    assert named == [accepted] * 49
    assert Event.objects.get().pk == uuid.UUID(accepted)


# --- Endpoints that are not there, do not match, or do not send ----------------------------------------------------


def test_without_endpoint_nothing_is_stored(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=False)
    response = acme.api.post(EVENTS, {**EVENT, "dedup_id": "d"})
    assert (response.status_code, response.json()["code"]) == (422, "no_endpoint")
    assert not Event.objects.exists()
    assert not OnceKey.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"event_types": ["invoice.*"]}, {"state": "paused"}, {"state": "disabled"}], ids=str
)
def test_an_event_that_nobody_gets_now_is_kept(acme: SimpleNamespace, fields: dict[str, object]) -> None:
    Organization.objects.update(inbox_only=False)
    make_endpoint(acme.organization, **fields)
    response = acme.api.post(EVENTS, EVENT)
    listed = acme.api.get(EVENTS).json()["items"]
    assert response.status_code == 202
    assert [(event["id"], event["status"]) for event in listed] == [(response.json()["id"], "pending")]


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_what_came_while_an_endpoint_did_not_send_waits_for_it(
    committed_acme: SimpleNamespace, state: str
) -> None:
    endpoint = make_endpoint(committed_acme.organization, state=state)
    committed_acme.api.post(EVENTS, EVENT)
    assert claim() == []
    committed_acme.api.post(f"/api/endpoints/{endpoint.pk}/resume")
    assert [delivery.endpoint_id for delivery in claim()] == [str(endpoint.pk)]


def test_an_endpoint_that_was_deleted_gets_nothing(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization)
    Endpoint.objects.update(deleted_at=Now())
    acme.api.post(EVENTS, EVENT)
    assert not Delivery.objects.exists()


# --- Bodies that do not fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"order", b"\xff", b'{"type": "a", "payload": 01}'])
def test_what_is_not_json_is_a_400(acme: SimpleNamespace, body: bytes) -> None:
    response = acme.api.post(EVENTS, body)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"type": "a b", "payload": 1}, ["#/type"]),
        ({"type": "a"}, ["#/payload"]),
        ({"type": "a", "payload": 1, "dedup_id": ""}, ["#/dedup_id"]),
        ([EVENT], ["#"]),
        (None, ["#"]),
    ],
)
def test_what_does_not_fit_is_a_422_that_points(
    acme: SimpleNamespace, body: object, fields: list[str]
) -> None:
    response = acme.api.post(EVENTS, json.dumps(body).encode())
    assert (response.status_code, response.json()["code"]) == (422, "invalid_body")
    assert pointers(response) == fields
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ";"],
)
def test_what_is_not_declared_as_json_is_a_415(acme: SimpleNamespace, content_type: str) -> None:
    response = acme.api.send("POST", EVENTS, EVENT, content_type=content_type)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert not Event.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_declared_in_other_ways(acme: SimpleNamespace, content_type: str) -> None:
    assert acme.api.send("POST", EVENTS, EVENT, content_type=content_type).status_code == 202


def test_a_body_may_have_256_kib(acme: SimpleNamespace) -> None:
    assert acme.api.post(EVENTS, body_of(LIMIT)).status_code == 202


def test_a_larger_body_is_a_413(acme: SimpleNamespace) -> None:
    response = acme.api.post(EVENTS, body_of(LIMIT + 1))
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    assert response.json()["detail"] == "The body is larger than 262,144 bytes."
    assert not Event.objects.exists()


def test_a_key_without_the_scope_stores_nothing(acme: SimpleNamespace) -> None:
    reader = Caller(make_key(acme.organization, scopes=["events:read", "endpoints:write", "keys:write"]))
    assert reader.post(EVENTS, EVENT).status_code == 403
    assert not Event.objects.exists()

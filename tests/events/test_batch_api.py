"""POST /api/events/batch"""

import json
from types import SimpleNamespace

import pytest

from deliveries.models import Delivery
from events.models import Event
from organizations.models import Organization
from tests.calls import pointers
from tests.factories import make_endpoint

pytestmark = pytest.mark.usefixtures("door")

BATCH = "/api/events/batch"
EVENT = {"type": "order.created", "payload": {"n": 1}}
LIMIT = 8 * 1024 * 1024


@pytest.fixture(autouse=True)
def _inbox_is_enough_for_many(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("committed_acme" if "committed_acme" in request.fixturenames else "acme")
    Organization.objects.update(inbox_only=True, tier="pro")


def test_when_all_are_accepted_it_is_a_202(acme: SimpleNamespace) -> None:
    response = acme.api.post(BATCH, {"events": [EVENT, {"type": "b", "payload": None}]})
    first, second = Event.objects.order_by("pk")
    assert response.status_code == 202
    assert (first.type, second.type) == ("order.created", "b")
    assert response.json() == {
        "accepted": 2,
        "duplicates": 0,
        "rejected": 0,
        "results": [
            {"index": 0, "status": "accepted", "id": str(first.pk)},
            {"index": 1, "status": "accepted", "id": str(second.pk)},
        ],
    }


def test_else_it_is_a_207_that_says_of_each_what_became_of_it(acme: SimpleNamespace) -> None:
    once = {**EVENT, "dedup_id": "d"}
    response = acme.api.post(BATCH, {"events": [once, {"type": "a b", "payload": 1}, once, 5]})
    stored = str(Event.objects.get().pk)
    detail = "This takes 1-100 characters: segments of letters, digits, _ and -, separated by dots."
    assert response.status_code == 207
    assert response.json() == {
        "accepted": 1,
        "duplicates": 1,
        "rejected": 2,
        "results": [
            {"index": 0, "status": "accepted", "id": stored},
            {
                "index": 1,
                "status": "rejected",
                "error": {
                    "code": "invalid_body",
                    "detail": f"#/type: {detail}",
                    "errors": [{"pointer": "#/type", "detail": detail}],
                },
            },
            {
                "index": 2,
                "status": "duplicate",
                "id": stored,
                "error": {
                    "code": "duplicate_event",
                    "detail": "An event with this dedup_id was accepted within the last 24 hours.",
                    "event_id": stored,
                },
            },
            {
                "index": 3,
                "status": "rejected",
                "error": {
                    "code": "invalid_body",
                    "detail": "#: Expected object, got int.",
                    "errors": [{"pointer": "#", "detail": "Expected object, got int."}],
                },
            },
        ],
    }


def test_when_none_is_accepted_it_is_a_207_as_well(acme: SimpleNamespace) -> None:
    response = acme.api.post(BATCH, {"events": [{}, {}]})
    assert (response.status_code, response.json()["rejected"]) == (207, 2)


def test_what_only_the_database_finds_spoils_no_neighbour(committed_acme: SimpleNamespace) -> None:
    bad = b'{"type": "b", "payload": ' + b"1" * 150_000 + b"}"
    body = b'{"events": [{"type": "a", "payload": 1}, ' + bad + b', {"type": "c", "payload": 1}]}'
    response = committed_acme.api.post(BATCH, body)
    assert response.status_code == 207
    assert [result["status"] for result in response.json()["results"]] == ["accepted", "rejected", "accepted"]
    assert list(Event.objects.order_by("pk").values_list("type", flat=True)) == ["a", "c"]


def test_every_event_of_a_batch_is_fanned_out(acme: SimpleNamespace) -> None:
    for _ in range(2):
        make_endpoint(acme.organization)
    acme.api.post(BATCH, {"events": [EVENT] * 10})
    assert Delivery.objects.count() == 20


def test_a_thousand_events_are_taken(acme: SimpleNamespace) -> None:
    response = acme.api.post(BATCH, {"events": [EVENT] * 1000})
    assert (response.status_code, response.json()["accepted"]) == (202, 1000)
    assert Event.objects.count() == 1000


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"events": []}, "#/events"),
        ({"events": [EVENT] * 1001}, "#/events"),
        ({"events": {}}, "#/events"),
        ({"events": None}, "#/events"),
        ({}, "#/events"),
        ([EVENT], "#"),
    ],
)
def test_a_batch_that_does_not_fit_stores_nothing(acme: SimpleNamespace, body: object, pointer: str) -> None:
    response = acme.api.post(BATCH, body)
    assert (response.status_code, pointers(response)) == (422, [pointer])
    assert not Event.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[", b'{"events": [{]}', b'{"events": [{"type": "\xff"}]}'])
def test_a_batch_that_is_not_json_stores_nothing(acme: SimpleNamespace, body: bytes) -> None:
    response = acme.api.post(BATCH, body)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")
    assert not Event.objects.exists()


def test_a_batch_without_endpoint_stores_nothing(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=False)
    response = acme.api.post(BATCH, {"events": [EVENT, EVENT]})
    assert (response.status_code, response.json()["code"]) == (422, "no_endpoint")
    assert not Event.objects.exists()


@pytest.mark.parametrize(("more", "status"), [(0, 207), (1, 413)])
def test_a_batch_may_have_8_mib(acme: SimpleNamespace, more: int, status: int) -> None:
    bare = json.dumps({"events": ["", EVENT]}).encode()
    body = bare.replace(b'""', b'"' + b"x" * (LIMIT - len(bare) + more) + b'"')
    assert acme.api.post(BATCH, body).status_code == status
    assert Event.objects.count() == 1 - more

"""The Idempotency-Key header of POST /api/events and /api/events/batch"""

from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from events.idempotency import Answer, reserve
from events.models import Event, OnceKey
from organizations.models import Organization
from tests.calls import Caller
from tests.concurrency import at_once
from tests.factories import make_key, make_organization

pytestmark = pytest.mark.usefixtures("door")

EVENTS, BATCH = "/api/events", "/api/events/batch"
EVENT = {"type": "order.created", "payload": {"n": 1}}
KEY = {"Idempotency-Key": "k1"}


@pytest.fixture(autouse=True)
def _inbox_is_enough(committed_acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)


@pytest.fixture
def acme(committed_acme: SimpleNamespace) -> SimpleNamespace:
    return committed_acme


@pytest.mark.parametrize(("path", "body"), [(EVENTS, EVENT), (BATCH, {"events": [EVENT, EVENT]})])
def test_the_same_call_again_gets_the_first_answer(acme: SimpleNamespace, path: str, body: object) -> None:
    first = acme.api.post(path, body, headers=KEY)
    count = Event.objects.count()
    again = acme.api.post(path, body, headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (202, first.content)
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert Event.objects.count() == count


def test_another_body_under_the_same_key_is_refused(acme: SimpleNamespace) -> None:
    acme.api.post(EVENTS, EVENT, headers=KEY)
    response = acme.api.post(EVENTS, {"type": "order.created", "payload": {"n": 2}}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_mismatch")
    assert Event.objects.count() == 1


def test_another_call_under_the_same_key_is_refused(acme: SimpleNamespace) -> None:
    acme.api.post(EVENTS, EVENT, headers=KEY)
    response = acme.api.post(BATCH, {"events": [EVENT]}, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_mismatch")


def test_while_the_first_is_in_flight_the_second_is_a_conflict(acme: SimpleNamespace) -> None:
    body = b'{"type":"order.created","payload":{"n":1}}'
    reserve(acme.organization, "k1", call="POST /api/events", body=body)
    response = acme.api.post(EVENTS, body, headers=KEY)
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_in_flight")
    assert Event.objects.count() == 0


def test_a_reservation_whose_process_died_is_free_after_a_while(acme: SimpleNamespace) -> None:
    reserve(acme.organization, "k1", call="POST /api/events", body=b"?")
    OnceKey.objects.update(expires_at=Now())
    assert acme.api.post(EVENTS, EVENT, headers=KEY).status_code == 202


def test_after_its_time_a_key_is_free_again(acme: SimpleNamespace) -> None:
    acme.api.post(EVENTS, EVENT, headers=KEY)
    OnceKey.objects.update(expires_at=Now())
    again = acme.api.post(EVENTS, EVENT, headers=KEY)
    assert (again.status_code, Event.objects.count()) == (202, 2)


def test_an_answer_is_kept_for_24_hours(acme: SimpleNamespace) -> None:
    acme.api.post(EVENTS, EVENT, headers=KEY)
    key, event = OnceKey.objects.get(), Event.objects.get()
    assert abs((key.expires_at - event.created_at).total_seconds() - 86_400) < 1


def test_what_is_refused_leaves_the_key_free(acme: SimpleNamespace) -> None:
    acme.api.post(EVENTS, {**EVENT, "dedup_id": "d"})
    refused = acme.api.post(EVENTS, {**EVENT, "dedup_id": "d"}, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_event")
    assert acme.api.post(EVENTS, EVENT, headers=KEY).status_code == 202


def test_a_payload_that_the_database_refuses_leaves_the_key_free(acme: SimpleNamespace) -> None:
    body = '{"type":"a","payload":{"n":1' + "0" * 140_000 + "}}"
    refused = acme.api.post(EVENTS, body.encode(), headers=KEY)
    assert refused.status_code == 422
    assert acme.api.post(EVENTS, EVENT, headers=KEY).status_code == 202


def test_a_key_is_of_one_tenant(acme: SimpleNamespace) -> None:
    acme.api.post(EVENTS, EVENT, headers=KEY)
    stranger = Caller(make_key(make_organization(inbox_only=True)))
    other = stranger.post(EVENTS, {"type": "b", "payload": 1}, headers=KEY)
    assert (other.status_code, "Idempotent-Replayed" in other.headers) == (202, False)


def test_of_many_at_once_one_acts(acme: SimpleNamespace) -> None:
    answers = at_once([lambda: acme.api.post(EVENTS, EVENT, headers=KEY)] * 10)
    codes = sorted(answer.status_code for answer in answers if not isinstance(answer, Exception))
    assert Event.objects.count() == 1
    assert len(codes) == 10
    assert set(codes) <= {202, 409}


@pytest.mark.parametrize("key", ["", "x" * 256, "käse"])
def test_a_key_that_does_not_fit_is_refused(acme: SimpleNamespace, key: str) -> None:
    response = acme.api.post(EVENTS, EVENT, headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_header")
    assert response.json()["errors"] == [
        {
            "pointer": "#/Idempotency-Key",
            "header": "Idempotency-Key",
            "detail": "This takes 1-255 printable ASCII characters.",
        }
    ]
    assert Event.objects.count() == 0


def test_an_answer_is_text_of_the_document() -> None:
    assert Answer.of(202, {"a": [1]}) == Answer(202, '{"a":[1]}')

"""POST /api/ack and POST /api/ack/{event_id}"""

import uuid
from types import SimpleNamespace

import pytest

from deliveries.models import Delivery
from events.models import Event
from tests.calls import pointers
from tests.factories import make_delivery, make_endpoint, make_event

ACK = "/api/ack"


def test_an_event_is_acknowledged(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    response = acme.api.post(f"{ACK}/{event.pk}")
    event.refresh_from_db()
    assert event.acknowledged_at is not None
    assert response.status_code == 200
    assert response.json() == {
        "id": str(event.pk),
        "status": "acknowledged",
        "acknowledged_at": event.acknowledged_at.isoformat().replace("+00:00", "Z"),
    }


def test_the_second_time_the_answer_is_the_same(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    first, second = (acme.api.post(f"{ACK}/{event.pk}") for _ in range(2))
    assert (second.status_code, second.json()) == (200, first.json())


def test_the_event_says_so_from_then_on(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    acme.api.post(f"{ACK}/{event.pk}")
    assert acme.api.get(f"/api/events/{event.pk}").json()["status"] == "acknowledged"


def test_what_was_still_to_be_sent_is_canceled(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    deliveries = {
        status: make_delivery(make_endpoint(acme.organization), event=event, status=status)
        for status in ("pending", "failed", "delivered", "dead_letter")
    }
    acme.api.post(f"{ACK}/{event.pk}")
    after = {status: Delivery.objects.get(pk=delivery.pk).status for status, delivery in deliveries.items()}
    assert after == {
        "pending": "canceled",
        "failed": "canceled",
        "delivered": "delivered",
        "dead_letter": "dead_letter",
    }


def test_other_events_are_left_alone(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization)
    other = make_delivery(endpoint)
    acme.api.post(f"{ACK}/{make_delivery(endpoint).event_id}")
    other.refresh_from_db()
    assert other.status == "pending"
    assert Event.objects.unacknowledged().get().pk == other.event_id


def test_an_unknown_event_is_not_there(acme: SimpleNamespace) -> None:
    response = acme.api.post(f"{ACK}/{uuid.uuid4()}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


# --- Many ---------------------------------------------------------------------------------------------------------


def test_many_events_are_acknowledged_at_once(acme: SimpleNamespace) -> None:
    events = [make_event(acme.organization).pk for _ in range(3)]
    response = acme.api.post(ACK, {"event_ids": events[:2]})
    assert (response.status_code, response.json()) == (200, {"acknowledged": 2, "unknown": []})
    assert Event.objects.unacknowledged().get().pk == events[2]


def test_their_open_deliveries_are_canceled(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization)
    deliveries = [make_delivery(endpoint) for _ in range(2)]
    acme.api.post(ACK, {"event_ids": [delivery.event_id for delivery in deliveries]})
    assert list(Delivery.objects.values_list("status", flat=True)) == ["canceled"] * 2


def test_unknown_ids_are_named_in_their_order(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    mine, theirs, nobodys = make_event(acme.organization).pk, make_event(rival.organization).pk, uuid.uuid4()
    answer = acme.api.post(ACK, {"event_ids": [nobodys, mine, theirs]}).json()
    assert answer == {"acknowledged": 1, "unknown": [str(nobodys), str(theirs)]}
    assert Event.objects.unacknowledged().get().pk == theirs


def test_an_id_given_twice_counts_once(acme: SimpleNamespace) -> None:
    mine, nobodys = make_event(acme.organization).pk, uuid.uuid4()
    answer = acme.api.post(ACK, {"event_ids": [mine, nobodys, mine, nobodys]}).json()
    assert answer == {"acknowledged": 1, "unknown": [str(nobodys)]}


def test_what_was_acknowledged_before_counts_and_keeps_its_moment(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    first = acme.api.post(f"{ACK}/{event.pk}").json()["acknowledged_at"]
    assert acme.api.post(ACK, {"event_ids": [event.pk]}).json()["acknowledged"] == 1
    assert acme.api.post(f"{ACK}/{event.pk}").json()["acknowledged_at"] == first


def test_a_thousand_may_be_acknowledged_at_once(acme: SimpleNamespace) -> None:
    events = Event.objects.bulk_create(
        Event(organization=acme.organization, type="a", payload=1) for _ in range(1000)
    )
    answer = acme.api.post(ACK, {"event_ids": [event.pk for event in events]}).json()
    assert answer == {"acknowledged": 1000, "unknown": []}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/event_ids"),
        ({"event_ids": []}, "#/event_ids"),
        ({"event_ids": "all"}, "#/event_ids"),
        ({"event_ids": ["1"]}, "#/event_ids/0"),
        ({"event_ids": [None]}, "#/event_ids/0"),
        ({"event_ids": [str(uuid.uuid4())] * 1001}, "#/event_ids"),
        ([], "#"),
        (None, "#"),
    ],
)
def test_a_list_that_does_not_fit_acknowledges_nothing(
    acme: SimpleNamespace, body: object, pointer: str
) -> None:
    make_event(acme.organization)
    response = acme.api.post(ACK, b"null" if body is None else body)
    assert (response.status_code, pointers(response)) == (422, [pointer])
    assert Event.objects.unacknowledged().count() == 1

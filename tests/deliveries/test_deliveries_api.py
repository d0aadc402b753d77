"""/api/deliveries, and POST /api/events/{id}/replay"""

import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from deliveries.models import Attempt, Delivery, Endpoint
from organizations import redis_client
from tests.calls import pointers
from tests.factories import ago, ahead, due, make_delivery, make_endpoint, make_event

DELIVERIES = "/api/deliveries"


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization)


def stamp(moment: object) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def listed(tenant: SimpleNamespace, **query: object) -> list[str]:
    response = tenant.api.get(DELIVERIES, **query)
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_a_delivery_in_the_list_looks_like_this(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    delivery = make_delivery(
        endpoint, status="failed", attempts=2, last_status_code=500, last_error="The receiver answered 500."
    )
    assert acme.api.get(DELIVERIES).json()["items"] == [
        {
            "id": str(delivery.pk),
            "event_id": str(delivery.event_id),
            "event_type": "order.created",
            "endpoint_id": str(endpoint.pk),
            "status": "failed",
            "attempts": 2,
            "next_attempt_at": stamp(delivery.next_attempt_at),
            "last_status_code": 500,
            "last_error": "The receiver answered 500.",
            "created_at": stamp(delivery.created_at),
            "settled_at": None,
        }
    ]


def test_one_delivery_shows_every_attempt(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, status="delivered", attempts=2)
    started = datetime(2026, 1, 31, 12, tzinfo=UTC)
    plain = {"delivery": delivery, "started_at": started, "duration_ms": 7}
    Attempt.objects.create(**plain, number=2, outcome="delivered", status_code=200, response_body="thanks")
    Attempt.objects.create(
        **plain,
        number=1,
        outcome="timeout",
        error="Late.",
        next_attempt_at=started,
        response_headers={"A": "b"},
    )
    answer = acme.api.get(f"{DELIVERIES}/{delivery.pk}").json()
    assert (answer["id"], answer["status"], answer["attempts"]) == (str(delivery.pk), "delivered", 2)
    assert answer["attempt_log"] == [
        {
            "number": 1,
            "started_at": "2026-01-31T12:00:00Z",
            "duration_ms": 7,
            "status_code": None,
            "outcome": "timeout",
            "error": "Late.",
            "response_headers": {"A": "b"},
            "response_body": "",
            "next_attempt_at": "2026-01-31T12:00:00Z",
        },
        {
            "number": 2,
            "started_at": "2026-01-31T12:00:00Z",
            "duration_ms": 7,
            "status_code": 200,
            "outcome": "delivered",
            "error": "",
            "response_headers": {},
            "response_body": "thanks",
            "next_attempt_at": None,
        },
    ]


def test_the_newest_come_first_a_page_at_a_time(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    deliveries = [str(make_delivery(endpoint).pk) for _ in range(3)][::-1]
    page = acme.api.get(DELIVERIES, limit=2).json()
    make_delivery(endpoint)
    assert [item["id"] for item in page["items"]] == deliveries[:2]
    assert listed(acme, cursor=page["next_cursor"]) == deliveries[2:]


@pytest.mark.parametrize("status", ["pending", "failed", "delivered", "dead_letter", "canceled"])
def test_those_of_one_status(acme: SimpleNamespace, endpoint: Endpoint, status: str) -> None:
    found = {name: str(make_delivery(endpoint, status=name).pk) for name in Delivery.Status.values}
    assert listed(acme, status=status) == [found[status]]


def test_those_of_an_endpoint_an_event_or_a_type(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    event = make_event(acme.organization, event_type="invoice.paid")
    wanted = make_delivery(endpoint, event=event)
    other = make_delivery(make_endpoint(acme.organization))
    assert listed(acme, endpoint_id=other.endpoint_id) == [str(other.pk)]
    assert listed(acme, event_id=event.pk) == [str(wanted.pk)]
    assert listed(acme, event_type="invoice.paid") == [str(wanted.pk)]
    assert listed(acme, event_type="invoice.paid", endpoint_id=other.endpoint_id) == []


def test_since_is_included_and_until_is_not(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    first, second, third = (make_delivery(endpoint, created_at=ago(hours=hours)) for hours in (3, 2, 1))
    assert listed(acme, since=stamp(second.created_at)) == [str(third.pk), str(second.pk)]
    assert listed(acme, until=stamp(second.created_at)) == [str(first.pk)]


def test_empty_parameters_count_as_absent(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint)
    empty = dict.fromkeys(("status", "endpoint_id", "event_id", "event_type", "since", "until", "cursor"), "")
    assert listed(acme, **empty) == [str(delivery.pk)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "lost"), ("endpoint_id", "1"), ("event_id", "x"), ("since", "now"), ("limit", "1000")],
)
def test_a_parameter_that_does_not_fit_is_named(acme: SimpleNamespace, name: str, value: str) -> None:
    response = acme.api.get(DELIVERIES, **{name: value})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_query")
    assert [error["parameter"] for error in response.json()["errors"]] == [name]


def test_nobody_sees_another_tenants_deliveries(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    theirs = make_delivery(make_endpoint(rival.organization))
    assert (
        listed(acme)
        == listed(acme, event_id=theirs.event_id)
        == listed(acme, endpoint_id=theirs.endpoint_id)
        == []
    )


# --- Retry --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "failed", "delivered", "dead_letter", "canceled"])
def test_a_delivery_is_sent_again_now_whatever_its_state(
    acme: SimpleNamespace, endpoint: Endpoint, status: str
) -> None:
    later = {"next_attempt_at": ahead(hours=1)} if status in ("pending", "failed") else {}
    delivery = make_delivery(endpoint, status=status, **later)
    response = acme.api.post(f"{DELIVERIES}/{delivery.pk}/retry")
    assert (response.status_code, response.json()["id"]) == (202, str(delivery.pk))
    assert due().get() == delivery


def test_a_retry_rings(committed_acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(committed_acme.organization), status="dead_letter")
    committed_acme.api.post(f"{DELIVERIES}/{delivery.pk}/retry")
    assert redis_client.client().llen("deliveries") == 1


def test_a_deleted_endpoint_gets_nothing_again(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, status="dead_letter")
    acme.api.delete(f"/api/endpoints/{endpoint.pk}")
    response = acme.api.post(f"{DELIVERIES}/{delivery.pk}/retry")
    assert (response.status_code, response.json()["status"]) == (202, "dead_letter")


@pytest.mark.parametrize(("method", "verb"), [("GET", ""), ("POST", "/retry")])
def test_an_unknown_delivery_is_not_there(acme: SimpleNamespace, method: str, verb: str) -> None:
    response = acme.api.send(method, f"{DELIVERIES}/{uuid.uuid4()}{verb}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


# --- Replay of an event -------------------------------------------------------------------------------------------


def test_an_event_is_sent_again_to_all(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    for _ in range(2):
        make_delivery(make_endpoint(acme.organization), event=event, status="delivered")
    response = acme.api.post(f"/api/events/{event.pk}/replay")
    assert (response.status_code, response.json()) == (202, {"event_id": str(event.pk), "replayed": 2})
    assert due().count() == 2


def test_an_event_is_sent_again_to_one(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    event = make_event(acme.organization)
    for place in (endpoint, make_endpoint(acme.organization)):
        make_delivery(place, event=event, status="delivered")
    answer = acme.api.post(f"/api/events/{event.pk}/replay", {"endpoint_id": endpoint.pk}).json()
    assert answer["replayed"] == 1
    assert due().get().endpoint == endpoint


def test_an_endpoint_id_that_does_not_fit_replays_nothing(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    event = make_delivery(endpoint, status="delivered").event
    response = acme.api.post(f"/api/events/{event.pk}/replay", {"endpoint_id": "first"})
    assert (response.status_code, pointers(response)) == (422, ["#/endpoint_id"])
    assert not due().exists()


def test_another_tenants_endpoint_is_not_there(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    theirs = make_endpoint(rival.organization)
    response = acme.api.post(f"/api/events/{event.pk}/replay", {"endpoint_id": theirs.pk})
    assert response.status_code == 404
    assert not Delivery.objects.exists()

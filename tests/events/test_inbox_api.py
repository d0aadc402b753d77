"""GET /api/inbox"""

from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from tests.factories import make_delivery, make_endpoint, make_event

INBOX = "/api/inbox"


@pytest.fixture
def one_of_each(acme: SimpleNamespace) -> dict[str, str]:
    """An event of each status: status -> id, the oldest first."""
    endpoint = make_endpoint(acme.organization)
    events = {
        status: make_event(acme.organization) for status in ("pending", "failed", "dead_letter", "delivered")
    }
    for status, event in events.items():
        make_delivery(endpoint, event=event, status=status)
    events["acknowledged"] = make_event(acme.organization, acknowledged_at=Now())
    return {status: str(event.pk) for status, event in events.items()}


def listed(tenant: SimpleNamespace, **query: object) -> list[str]:
    response = tenant.api.get(INBOX, **query)
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_an_item_has_at_least_these_fields(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization, payload=[1, "two"])
    (item,) = acme.api.get(INBOX).json()["items"]
    created = item["created_at"]
    assert created.endswith("Z")
    assert (
        item.items()
        >= {
            "id": str(event.pk),
            "type": "order.created",
            "payload": [1, "two"],
            "status": "pending",
            "created_at": created,
            "acknowledged_at": None,
        }.items()
    )


def test_without_status_it_shows_all_but_the_acknowledged(
    acme: SimpleNamespace, one_of_each: dict[str, str]
) -> None:
    assert listed(acme) == [one_of_each[s] for s in ("delivered", "dead_letter", "failed", "pending")]


@pytest.mark.parametrize("status", ["pending", "failed", "dead_letter", "delivered", "acknowledged"])
def test_it_shows_the_events_of_one_status(
    acme: SimpleNamespace, one_of_each: dict[str, str], status: str
) -> None:
    (item,) = acme.api.get(INBOX, status=status).json()["items"]
    assert (item["id"], item["status"]) == (one_of_each[status], status)


def test_an_acknowledged_event_shows_when(acme: SimpleNamespace, one_of_each: dict[str, str]) -> None:
    (item,) = acme.api.get(INBOX, status="acknowledged").json()["items"]
    assert item["acknowledged_at"].endswith("Z")


def test_it_shows_the_events_of_one_type(acme: SimpleNamespace) -> None:
    wanted = make_event(acme.organization, event_type="invoice.paid")
    make_event(acme.organization)
    assert listed(acme, type="invoice.paid", status="pending") == [str(wanted.pk)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "open"), ("offset", "-1"), ("offset", "x"), ("limit", "0"), ("cursor", "x")],
)
def test_a_parameter_that_does_not_fit_is_named(acme: SimpleNamespace, name: str, value: str) -> None:
    response = acme.api.get(INBOX, **{name: value})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_query")
    assert [error["parameter"] for error in response.json()["errors"]] == [name]


def test_empty_parameters_count_as_absent(acme: SimpleNamespace, one_of_each: dict[str, str]) -> None:
    assert len(listed(acme, status="", type="", offset="", cursor="", limit="")) == 4


def test_it_takes_an_offset(acme: SimpleNamespace) -> None:
    events = [str(make_event(acme.organization).pk) for _ in range(5)][::-1]
    assert listed(acme, limit=2, offset=0) == events[:2]
    assert listed(acme, limit=2, offset=2) == events[2:4]
    assert listed(acme, limit=2, offset=4) == events[4:]
    assert listed(acme, limit=2, offset=99) == []


def test_a_page_by_offset_has_a_cursor_to_go_on_with(acme: SimpleNamespace) -> None:
    events = [str(make_event(acme.organization).pk) for _ in range(5)][::-1]
    page = acme.api.get(INBOX, limit=2, offset=1).json()
    assert page["has_more"] is True
    assert listed(acme, limit=2, cursor=page["next_cursor"]) == events[3:5]


def test_offset_and_cursor_do_not_go_together(acme: SimpleNamespace) -> None:
    for _ in range(2):
        make_event(acme.organization)
    cursor = acme.api.get(INBOX, limit=1).json()["next_cursor"]
    assert len(listed(acme, cursor=cursor, offset=0)) == 1
    response = acme.api.get(INBOX, cursor=cursor, offset=1)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_query")


def test_pages_by_cursor_hold_their_status_while_events_are_acknowledged(acme: SimpleNamespace) -> None:
    events = [str(make_event(acme.organization).pk) for _ in range(6)][::-1]
    first = acme.api.get(INBOX, limit=2).json()
    for item in first["items"]:
        acme.api.post(f"/api/ack/{item['id']}")
    assert listed(acme, limit=2, cursor=first["next_cursor"]) == events[2:4]


def test_nobody_sees_another_tenants_inbox(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    make_event(rival.organization)
    assert listed(acme) == []

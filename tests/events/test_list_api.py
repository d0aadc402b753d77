"""GET /api/events and GET /api/events/{id}"""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest

from events.models import Event
from tests.factories import ago, id_at, make_delivery, make_endpoint, make_event

EVENTS = "/api/events"


def stamp(moment: object) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def listed(tenant: SimpleNamespace, **query: object) -> list[str]:
    response = tenant.api.get(EVENTS, **query)
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_an_event_in_the_list_looks_like_this(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization, payload={"n": [1]}, dedup_id="d")
    assert acme.api.get(EVENTS).json() == {
        "items": [
            {
                "id": str(event.pk),
                "type": "order.created",
                "payload": {"n": [1]},
                "dedup_id": "d",
                "status": "pending",
                "created_at": stamp(Event.objects.get().created_at),
                "acknowledged_at": None,
            }
        ],
        "has_more": False,
        "next_cursor": None,
    }


def test_one_event_shows_its_deliveries(acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(acme.organization), status="failed", attempts=1, last_error="No.")
    answer = acme.api.get(f"{EVENTS}/{delivery.event_id}").json()
    assert (answer["id"], answer["status"], answer["payload"]) == (str(delivery.event_id), "failed", {"n": 1})
    assert answer["deliveries"] == [
        {
            "id": str(delivery.pk),
            "event_id": str(delivery.event_id),
            "event_type": "order.created",
            "endpoint_id": str(delivery.endpoint_id),
            "status": "failed",
            "attempts": 1,
            "next_attempt_at": stamp(delivery.next_attempt_at),
            "last_status_code": None,
            "last_error": "No.",
            "created_at": stamp(delivery.created_at),
            "settled_at": None,
        }
    ]


def test_one_event_without_deliveries(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    assert acme.api.get(f"{EVENTS}/{event.pk}").json()["deliveries"] == []


@pytest.mark.parametrize("event_id", [uuid.uuid4(), "1", "not-a-uuid", "%00"])
def test_an_unknown_event_is_not_there(acme: SimpleNamespace, event_id: object) -> None:
    response = acme.api.get(f"{EVENTS}/{event_id}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


# --- Filters ------------------------------------------------------------------------------------------------------


def test_events_of_one_type(acme: SimpleNamespace) -> None:
    wanted = make_event(acme.organization, event_type="invoice.paid")
    make_event(acme.organization, event_type="invoice.paid.late")
    assert listed(acme, type="invoice.paid") == [str(wanted.pk)]


def test_since_is_included_and_until_is_not(acme: SimpleNamespace) -> None:
    first, second, third = (make_event(acme.organization, created_at=ago(hours=n)) for n in (3, 2, 1))
    assert listed(acme, since=stamp(second.created_at)) == [str(third.pk), str(second.pk)]
    assert listed(acme, until=stamp(second.created_at)) == [str(first.pk)]
    assert listed(acme, since=stamp(second.created_at), until=stamp(third.created_at)) == [str(second.pk)]


@pytest.mark.parametrize("hours", [-25, 25])
def test_a_period_holds_where_ids_were_made_by_a_clock_that_is_a_day_off(
    acme: SimpleNamespace, hours: int
) -> None:
    event = make_event(acme.organization, created_at=ago(hours=100), id=id_at(ago(hours=100 + hours)))
    at = event.created_at
    assert listed(acme, since=stamp(at), until=stamp(at + timedelta(seconds=1))) == [str(event.pk)]
    assert listed(acme, since=stamp(at + timedelta(seconds=1))) == listed(acme, until=stamp(at)) == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_time_are_no_error(acme: SimpleNamespace, moment: str) -> None:
    assert acme.api.get(EVENTS, since=moment, until=moment).status_code == 200


def test_an_empty_parameter_counts_as_absent(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    assert listed(acme, type="", since="", until="", limit="", cursor="") == [str(event.pk)]


def test_parameters_nobody_knows_are_ignored(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    assert listed(acme, colour="red", status="flying", offset="-1", format="xml") == [str(event.pk)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "yesterday"),
        ("until", "2026-13-01T00:00:00Z"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "ten"),
        ("cursor", "abc"),
        ("cursor", "not/base64"),
        ("cursor", "ü"),
        ("type", "a\x00"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(acme: SimpleNamespace, name: str, value: str) -> None:
    response = acme.api.get(EVENTS, **{name: value})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_query")
    assert [error["parameter"] for error in response.json()["errors"]] == [name]


def test_a_query_that_is_not_utf_8_is_no_error_of_ours(acme: SimpleNamespace) -> None:
    assert acme.api.client.get(f"{EVENTS}?type=%ff%fe&since=%").status_code == 422
    assert acme.api.client.get(f"{EVENTS}?type=%ff%fe").json()["items"] == []


def test_nobody_sees_another_tenants_events(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    make_event(rival.organization)
    assert listed(acme) == []


# --- Pages --------------------------------------------------------------------------------------------------------


def test_the_newest_come_first(acme: SimpleNamespace) -> None:
    events = [str(make_event(acme.organization).pk) for _ in range(3)]
    assert listed(acme) == events[::-1]


@pytest.mark.parametrize(("query", "length"), [({}, 50), ({"limit": 1}, 1), ({"limit": 200}, 200)])
def test_a_page_has_50_items_or_what_was_asked_for(
    acme: SimpleNamespace, query: dict[str, int], length: int
) -> None:
    Event.objects.bulk_create(Event(organization=acme.organization, type="a", payload=1) for _ in range(201))
    page = acme.api.get(EVENTS, **query).json()
    assert (len(page["items"]), page["has_more"]) == (length, True)


def test_the_last_page_says_so(acme: SimpleNamespace) -> None:
    for _ in range(4):
        make_event(acme.organization)
    first = acme.api.get(EVENTS, limit=2).json()
    last = acme.api.get(EVENTS, limit=2, cursor=first["next_cursor"]).json()
    assert (first["has_more"], last["has_more"], last["next_cursor"]) == (True, False, None)


def test_pages_neither_skip_nor_repeat_while_events_come_in(acme: SimpleNamespace) -> None:
    before = [str(make_event(acme.organization).pk) for _ in range(7)]
    seen: list[str] = []
    page = acme.api.get(EVENTS, limit=2).json()
    while True:
        seen += [item["id"] for item in page["items"]]
        if not page["has_more"]:
            break
        for _ in range(3):
            make_event(acme.organization)
        page = acme.api.get(EVENTS, limit=2, cursor=page["next_cursor"]).json()
    assert seen == before[::-1]


def test_filters_hold_on_every_page(acme: SimpleNamespace) -> None:
    wanted = [str(make_event(acme.organization, event_type=f"t{n % 2}").pk) for n in range(6)][::2]
    first = acme.api.get(EVENTS, limit=2, type="t0").json()
    rest = listed(acme, limit=2, type="t0", cursor=first["next_cursor"])
    assert [item["id"] for item in first["items"]] + rest == wanted[::-1]


def test_another_tenants_cursor_opens_nothing(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    make_event(acme.organization)
    for _ in range(2):
        make_event(rival.organization)
    cursor = rival.api.get(EVENTS, limit=1).json()["next_cursor"]
    assert all(
        uuid.UUID(found) in set(Event.objects.of(acme.organization).values_list("pk", flat=True))
        for found in listed(acme, cursor=cursor)
    )

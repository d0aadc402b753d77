"""How the inbox finds the events of a status. That it finds the right ones is in `tests/events/test_inbox_lists.py`."""

from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from deliveries import events_by_status
from deliveries.acknowledge import acknowledge_and_cancel
from deliveries.events_by_status import Listed, ways_to
from deliveries.models import Delivery, Endpoint
from events.models import Event
from tests.factories import make_delivery, make_endpoint, make_event, make_organization

pytestmark = pytest.mark.django_db


def sent(endpoint: Endpoint, status: str) -> Event:
    """An event with one delivery."""
    event = make_event(endpoint.organization, unwanted=False)
    make_delivery(endpoint, event=event, status=status)
    return event


def test_a_walk_ends_and_the_next_way_finds_what_lies_below(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_by_status, "WALKED", 8)
    monkeypatch.setattr(events_by_status, "MANY_OPEN", 0)
    endpoint = make_endpoint(acme.organization)
    below = sent(endpoint, "pending")
    for _ in range(9):
        sent(endpoint, "delivered")

    walk, *others = ways_to(Listed(acme.organization, None, None, 2), "pending")
    found = acme.api.get("/api/inbox", status="pending", limit=1).json()["items"]

    assert [list(part) for part in walk] == [[]]
    assert [[row["pk"] for part in way for row in part] for way in others] == [[below.pk]] * 2
    assert [item["id"] for item in found] == [str(below.pk)]


def test_a_walk_goes_on_below_the_cursor(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_by_status, "WALKED", 1)
    monkeypatch.setattr(events_by_status, "MANY_OPEN", 0)
    endpoint = make_endpoint(acme.organization)
    newest_last = [sent(endpoint, "pending").pk for _ in range(20)]

    walk, *_ = ways_to(Listed(acme.organization, None, newest_last[10], 1), "pending")

    assert [row["pk"] for row in walk[0]] == newest_last[10 - 4 : 10][::-1]


def test_an_old_unwanted_event_does_not_stand_before_a_newer_pending_one(acme: SimpleNamespace) -> None:
    """Though the newest that deliveries lead to are all of another status."""
    unwanted = make_event(acme.organization, unwanted=True)
    endpoint, failing = make_endpoint(acme.organization), make_endpoint(acme.organization)
    below = sent(endpoint, "pending")
    for _ in range(9):
        make_delivery(failing, event=sent(endpoint, "pending"), status="failed")

    found = acme.api.get("/api/inbox", status="pending", limit=1).json()["items"]

    assert [item["id"] for item in found] == [str(below.pk)]
    assert unwanted.pk < below.pk


def test_who_is_sent_nothing_has_no_event_that_is_delivered(acme: SimpleNamespace) -> None:
    make_event(acme.organization)

    assert acme.api.get("/api/inbox", status="delivered").json()["items"] == []


def test_an_event_with_two_dead_letters_is_listed_once(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    for _ in range(2):
        make_delivery(make_endpoint(acme.organization), event=event, status="dead_letter")

    for query in ({}, {"offset": 0, "limit": 1}, {"type": event.type}):
        page = acme.api.get("/api/inbox", status="dead_letter", **query).json()
        assert ([item["id"] for item in page["items"]], page["has_more"]) == ([str(event.pk)], False)


def test_a_dead_letter_whose_event_is_acknowledged_is_laid_by_and_stays_dead() -> None:
    organization = make_organization()
    endpoint, other = make_endpoint(organization), make_endpoint(organization)
    dead = make_delivery(endpoint, status="dead_letter")
    make_delivery(other, event=dead.event, status="delivered")
    make_delivery(endpoint, status="dead_letter")

    acknowledge_and_cancel(organization, [dead.event_id])

    laid_by = Delivery.objects.filter(acknowledged=True)
    assert list(laid_by.values_list("pk", "status")) == [(dead.pk, "dead_letter")]


def test_what_was_not_laid_by_is_not_listed_either(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization, acknowledged_at=Now())
    make_delivery(make_endpoint(acme.organization), event=event, status="dead_letter")

    assert acme.api.get("/api/inbox", status="dead_letter").json()["items"] == []

"""How the inbox finds the events of a status. That it finds the right ones is in `tests/events/test_inbox_lists.py`."""

from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from deliveries import events_by_status
from deliveries.acknowledge import acknowledge_and_cancel
from deliveries.events_by_status import Listed, ways_to
from deliveries.models import Delivery
from tests.factories import make_delivery, make_endpoint, make_event, make_organization

pytestmark = pytest.mark.django_db


def test_a_walk_ends_and_the_next_way_finds_what_lies_below(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_by_status, "WALKED", 8)
    endpoint = make_endpoint(acme.organization)
    below = make_delivery(endpoint, status="delivered")
    for _ in range(9):
        make_delivery(endpoint, status="pending")

    walk, all_of_them = ways_to(Listed(acme.organization, None, None, 2), "delivered")
    found = acme.api.get("/api/inbox", status="delivered", limit=1).json()["items"]

    assert [list(part) for part in walk] == [[]]
    assert [row["pk"] for row in all_of_them[0]] == [below.event_id]
    assert [item["id"] for item in found] == [str(below.event_id)]


def test_a_walk_goes_on_below_the_cursor(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_by_status, "WALKED", 1)
    endpoint = make_endpoint(acme.organization)
    newest_last = [make_delivery(endpoint, status="delivered").event_id for _ in range(20)]

    walk, _ = ways_to(Listed(acme.organization, None, newest_last[10], 1), "delivered")

    assert [row["pk"] for row in walk[0]] == newest_last[10 - 5 : 10][::-1]


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

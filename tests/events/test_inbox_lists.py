"""GET /api/inbox?status=, beside what its documentation says an event's status is, over whatever may happen to one."""

import random
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models.functions import Now

from deliveries.endpoints import configure_inbox_only, create_endpoint, delete_endpoint
from deliveries.event_status import STATUSES
from deliveries.fan_out import FAN_OUT
from deliveries.models import Delivery, Endpoint
from deliveries.querysets import OPEN
from deliveries.replay import replay_event, send_again
from events.accept import accept_event
from events.api import acknowledge_and_cancel
from events.models import Event
from organizations.models import Organization
from tests.factories import SOMEWHERE, incoming, make_event

INBOX = "/api/inbox"
STEPS = 120
LIMITS = (3, 200)


class Life:
    """What happens to a tenant's events, by chance, through the product's own verbs; sending is told as a status."""

    def __init__(self, organization: Organization, seed: int) -> None:
        self.organization, self.chance = organization, random.Random(seed)
        configure_inbox_only(organization)

    def live(self) -> None:
        happen = [self.accept] * 8 + [self.settle] * 6 + [self.replay, self.send_again, self.acknowledge]
        happen += [self.endpoint_comes] * 2 + [self.endpoint_goes]
        for _ in range(STEPS):
            self.chance.choice(happen)()

    def accept(self) -> None:
        event_type = self.chance.choice(["order.created", "order.paid", "invoice.sent"])
        accept_event(self.organization, incoming(event_type=event_type), fan_out=FAN_OUT)

    def settle(self) -> None:
        if delivery := self.one(Delivery.objects.of(self.organization).open()):
            status = self.chance.choice(["delivered", "failed", "dead_letter"])
            is_open = status in OPEN
            times = {"next_attempt_at": Now() if is_open else None, "settled_at": None if is_open else Now()}
            Delivery.objects.filter(pk=delivery.pk).update(status=status, **times)

    def replay(self) -> None:
        if event := self.one(Event.objects.of(self.organization)):
            replay_event(event)

    def send_again(self) -> None:
        if delivery := self.one(Delivery.objects.of(self.organization)):
            send_again(Delivery.objects.filter(pk=delivery.pk))

    def acknowledge(self) -> None:
        if event := self.one(Event.objects.of(self.organization).unacknowledged()):
            acknowledge_and_cancel(self.organization, [event.pk])

    def endpoint_comes(self) -> None:
        wanted = self.chance.choice([[], ["order.*"], ["order.paid"], ["invoice.sent", "order.created"]])
        create_endpoint(self.organization, url=SOMEWHERE, event_types=wanted)

    def endpoint_goes(self) -> None:
        if endpoint := self.one(Endpoint.objects.of(self.organization).present()):
            delete_endpoint(endpoint)

    def one(self, rows: Any) -> Any:
        found = list(rows.order_by("pk"))
        return self.chance.choice(found) if found else None


def told(event: Event) -> str:
    """Its status, in the words of the documentation."""
    if event.acknowledged_at:
        return "acknowledged"
    statuses = {delivery.status for delivery in event.deliveries.all()}
    if "dead_letter" in statuses:
        return "dead_letter"
    if "failed" in statuses:
        return "failed"
    if "pending" in statuses or "delivered" not in statuses:
        return "pending"
    return "delivered"


def by_cursor(tenant: SimpleNamespace, **query: object) -> list[tuple[str, str]]:
    """All pages."""
    found, cursor = [], ""
    while cursor is not None:
        page = tenant.api.get(INBOX, cursor=cursor, **query).json()
        found += [(item["id"], item["status"]) for item in page["items"]]
        cursor = page["next_cursor"]
    return found


def by_offset(tenant: SimpleNamespace, *, limit: int, **query: object) -> list[tuple[str, str]]:
    found, more = [], True
    while more:
        page = tenant.api.get(INBOX, offset=len(found), limit=limit, **query).json()
        found += [(item["id"], item["status"]) for item in page["items"]]
        more = page["has_more"]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_each_list_has_the_events_of_its_status_whatever_happened_to_them(
    acme: SimpleNamespace, rival: SimpleNamespace, seed: int
) -> None:
    make_event(rival.organization)
    Life(acme.organization, seed).live()
    events = Event.objects.of(acme.organization).order_by("-pk").prefetch_related("deliveries")
    expected: dict[str, list[tuple[str, str]]] = {status: [] for status in STATUSES}
    for event in events:
        expected[told(event)].append((str(event.pk), told(event)))
    assert len(expected["pending"]) > 2
    for limit in LIMITS:
        assert {s: by_cursor(acme, status=s, limit=limit) for s in STATUSES} == expected
    assert {s: by_offset(acme, status=s, limit=9) for s in STATUSES} == expected

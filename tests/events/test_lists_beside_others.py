"""A tenant's lists beside another that has posted much since: by its own index, entered where the page begins."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from deliveries import admin_latest
from deliveries.admin_latest import latest_attempts
from deliveries.admin_tenant import its_events
from deliveries.models import Attempt, Delivery, Endpoint
from events.models import Event
from organizations.models import Organization
from tests.factories import make_deliveries, make_endpoint, make_organization
from tests.triggers_project.test_read_plans import looked_at, nodes_of
from triggers_project.pages import encode_cursor

ITS_OWN, OTHERS = 1_200, 400
FEW = 300  # rows for a page of fifty


@pytest.fixture
def acme(committed_acme: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """With more than others in all, and nothing of the newest; in tables that are too large for PostgreSQL's cache."""
    post(committed_acme.organization, ITS_OWN)
    post(make_organization(name="Rival"), OTHERS)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) events_event, deliveries_delivery")
        cursor.execute("SET effective_cache_size = '64kB'")
        yield committed_acme
        cursor.execute("RESET effective_cache_size")


def post(organization: Organization, number: int) -> None:
    make_deliveries(make_endpoint(organization), number, status="delivered", settled_at=Now())


def looks(queries: CaptureQueriesContext) -> list[dict[str, Any]]:
    """The plans' nodes of what these queries ask of events and deliveries."""
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    return [
        node
        for sql in asked
        if "events_event" in sql or "deliveries_delivery" in sql
        for node in nodes_of(sql)
    ]


def far_down(path: str, organization: Organization) -> str:
    """The page that begins after six hundred."""
    rows: Any = Delivery.objects if "deliveries" in path else Event.objects
    above = rows.of(organization).order_by("-pk").values_list("pk", flat=True)[600]
    return f"{path}{'&' if '?' in path else '?'}cursor={encode_cursor(above)}"


LISTS = ["/api/events", "/api/inbox", "/api/deliveries", "/api/deliveries?status=delivered"]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_looks_at_nothing_of_others(path: str, acme: SimpleNamespace) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert len(acme.api.get(path).json()["items"]) == 50
    assert 0 < looked_at(looks(queries)) < FEW


@pytest.mark.parametrize("path", LISTS)
def test_a_page_far_down_is_not_walked_to(path: str, acme: SimpleNamespace) -> None:
    page = far_down(path, acme.organization)
    with CaptureQueriesContext(connection) as queries:
        assert len(acme.api.get(page).json()["items"]) == 50
    nodes = looks(queries)
    assert 0 < looked_at(nodes) < FEW
    assert any("ROW(" in node.get("Index Cond", "") for node in nodes)


def test_its_dead_letters_are_found_among_all_that_was_delivered(acme: SimpleNamespace) -> None:
    old = Delivery.objects.of(acme.organization).order_by("pk")[:60].values("pk")
    Delivery.objects.filter(pk__in=old).update(status="dead_letter")
    with CaptureQueriesContext(connection) as queries:
        assert len(acme.api.get("/api/deliveries?status=dead_letter").json()["items"]) == 50
    assert 0 < looked_at(looks(queries)) < FEW


def test_that_it_has_no_dead_letter_is_seen_at_once(acme: SimpleNamespace) -> None:
    Delivery.objects.exclude(organization=acme.organization).update(status="dead_letter")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE deliveries_delivery")
    with CaptureQueriesContext(connection) as queries:
        assert acme.api.get("/api/deliveries?status=dead_letter").json()["items"] == []
    assert looked_at(looks(queries)) == 0


def test_the_latest_attempts_at_an_endpoint_are_looked_for_with_its_tenants(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_latest, "WALKED", 100)
    endpoint = Endpoint.objects.get(organization=acme.organization)
    newest = Delivery.objects.of(acme.organization).latest("pk")
    Attempt.objects.create(
        delivery=newest, number=1, started_at=Now(), duration_ms=1, outcome="delivered", response_headers={}
    )
    with CaptureQueriesContext(connection) as queries:
        assert [attempt.delivery_id for attempt in latest_attempts(endpoint)] == [newest.pk]
    assert 0 < looked_at(looks(queries)) < FEW


def test_the_latest_of_a_tenants_page_are_its_own(acme: SimpleNamespace) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert list(its_events(acme.organization)["events"])
    assert 0 < looked_at(looks(queries)) < FEW

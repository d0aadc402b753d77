"""The admin's lists of dead letters and deliveries."""

from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deliveries.admin import DeliveryAdmin
from deliveries.models import Delivery
from events.admin_search import events_with_dedup_id
from organizations import admin_lists
from organizations.patience import TookTooLong, patience
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_event
from tests.staff import administrator, log_in, words

DEAD_LETTERS = "/admin/deliveries/deadletter/"
DELIVERIES = "/admin/deliveries/delivery/"


def shown(browser: Client, path: str) -> set[str]:
    """The ids of the deliveries on a list."""
    return {str(delivery.pk) for delivery in browser.get(path).context["cl"].result_list}


@pytest.fixture
def dead(acme: SimpleNamespace) -> Delivery:
    endpoint = make_endpoint(acme.organization, url="https://hooks.acme.example/in?token=hunter2")
    return make_delivery(
        endpoint,
        status="dead_letter",
        attempts=5,
        claim=5,
        last_status_code=503,
        last_error="The receiver answered 503.",
        settled_at=ago(hours=3),
    )


def test_a_dead_letter_in_the_list(dead: Delivery) -> None:
    page = administrator().get(DEAD_LETTERS)

    content = page.content.decode()
    assert (
        f"order.created {dead.event_id} Acme https://hooks.acme.example/in 503 Service Unavailable 5 attempts"
        " 3 hours ago Replay…"
    ) in words(page)
    assert f'href="/admin/events/event/{dead.event_id}/change/"' in content
    assert f'href="/admin/organizations/organization/{dead.organization_id}/change/"' in content
    assert f'href="/admin/deliveries/endpoint/{dead.endpoint_id}/change/"' in content
    assert f'title="{dead.settled_at:%Y-%m-%d %H:%M:%S} UTC"' in content
    assert "hunter2" not in content


def test_only_dead_letters_are_in_their_list(dead: Delivery) -> None:
    for status in ("pending", "failed", "delivered", "canceled"):
        make_delivery(dead.endpoint, status=status)

    assert shown(administrator(), DEAD_LETTERS) == {str(dead.pk)}


def test_a_list_takes_no_more_queries_for_more_rows(dead: Delivery) -> None:
    browser = administrator()
    with CaptureQueriesContext(connection) as one:
        browser.get(DEAD_LETTERS)
    for _ in range(49):
        make_delivery(make_endpoint(dead.organization), status="dead_letter")

    with CaptureQueriesContext(connection) as fifty:
        page = browser.get(DEAD_LETTERS)

    assert len(page.context["cl"].result_list) == 50
    # Session, user; what runs; around the list a savepoint and its time limit, set and lifted; the count; the rows.
    assert len(fifty) == len(one) == 9


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ("type=order.created", True),
        ("type=order.*", True),
        ("type=invoice.*", False),
        ("type=order", False),
        ("code=503", True),
        ("code=5xx", True),
        ("code=500", False),
        ("code=none", False),
        ("code=five", False),
        ("since=2020-01-01T00:00", True),
        ("until=2020-01-01T00:00", False),
        ("since=yesterday", False),
        ("tenant=&endpoint=&type=&code=&since=&until=", True),
        ("tenant=acme", False),
    ],
)
def test_filters(dead: Delivery, asked: str, fits: bool) -> None:
    assert shown(administrator(), f"{DEAD_LETTERS}?{asked}") == ({str(dead.pk)} if fits else set())


def test_the_filters_of_tenant_and_endpoint(dead: Delivery, rival: SimpleNamespace) -> None:
    other = make_delivery(make_endpoint(rival.organization), status="dead_letter")
    browser = administrator()

    assert shown(browser, f"{DEAD_LETTERS}?tenant={dead.organization_id}") == {str(dead.pk)}
    assert shown(browser, f"{DEAD_LETTERS}?endpoint={other.endpoint_id}") == {str(other.pk)}
    assert (
        shown(browser, f"{DEAD_LETTERS}?tenant={dead.organization_id}&endpoint={other.endpoint_id}") == set()
    )


def test_a_filter_that_makes_no_sense_says_so(dead: Delivery) -> None:
    assert "Write a code like 503" in words(administrator().get(f"{DEAD_LETTERS}?code=five"))


def test_whoever_may_not_see_tenants_is_not_asked_for_one(dead: Delivery) -> None:
    page = log_in("deliveries.view_delivery").get(DEAD_LETTERS)

    assert page.status_code == 200
    assert "Any tenant" not in page.content.decode()


def test_search(dead: Delivery, rival: SimpleNamespace) -> None:
    make_delivery(make_endpoint(rival.organization), status="dead_letter")
    type(dead.event).objects.filter(pk=dead.event_id).update(dedup_id="order-4711")
    browser = administrator()

    for term in (str(dead.pk), str(dead.event_id), "order-4711", "acm", f" {dead.pk} "):
        assert shown(browser, f"{DEAD_LETTERS}?q={term}") == {str(dead.pk)}, term
    assert shown(browser, f"{DEAD_LETTERS}?q=4711") == set()


def test_a_part_of_a_tenants_name_is_not_looked_up_among_old_dedup_ids(
    dead: Delivery, rival: SimpleNamespace
) -> None:
    theirs = make_delivery(make_endpoint(rival.organization), status="dead_letter")
    type(dead.event).objects.filter(pk=theirs.event_id).update(dedup_id="acme")

    assert shown(administrator(), f"{DEAD_LETTERS}?q=acme") == {str(dead.pk)}


def test_the_box_of_a_row_is_djangos(dead: Delivery) -> None:
    dead.event_type = 'a"<b>'
    list_admin = DeliveryAdmin(Delivery, admin.site)

    assert list_admin.action_checkbox(dead) == ModelAdmin.action_checkbox(list_admin, dead)


def test_deliveries_are_found_by_a_dedup_id_in_use(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization)
    event_id = acme.api.post("/api/events", {"type": "a", "payload": 1, "dedup_id": "order-1"}).json()["id"]

    found = administrator().get(f"{DELIVERIES}?q=order-1").context["cl"].result_list

    assert [str(delivery.event_id) for delivery in found] == [event_id]
    assert [str(pk) for pk in events_with_dedup_id("order-1", tenant=None)] == [event_id]


def test_an_old_dedup_id_is_found_in_the_tenant_that_is_chosen(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization, dedup_id="order-1")
    delivery = make_delivery(make_endpoint(acme.organization), event=event)
    browser = administrator()

    assert shown(browser, f"{DELIVERIES}?q=order-1") == set()
    assert shown(browser, f"{DELIVERIES}?q=order-1&tenant={acme.organization.pk}") == {str(delivery.pk)}


def test_deliveries_by_status_and_by_when_they_were_made(dead: Delivery) -> None:
    failed = make_delivery(dead.endpoint, status="failed")
    browser = administrator()

    assert shown(browser, f"{DELIVERIES}?status=failed") == {str(failed.pk)}
    assert shown(browser, f"{DELIVERIES}?status=dead_letter") == {str(dead.pk)}
    assert shown(browser, f"{DELIVERIES}?status=nonsense") == set()
    assert shown(browser, f"{DELIVERIES}?since={ago(minutes=1).isoformat()[:16]}") == {
        str(dead.pk),
        str(failed.pk),
    }
    assert shown(browser, f"{DELIVERIES}?until={ago(minutes=1).isoformat()[:16]}") == set()


def test_an_empty_list_says_what_will_be_there(db: None) -> None:
    browser = administrator()

    assert "No dead letters: nothing has been given up." in words(browser.get(DEAD_LETTERS))
    assert "No deliveries." in words(browser.get(DELIVERIES))
    assert "Nothing fits this search" in words(browser.get(f"{DEAD_LETTERS}?q=nobody"))


def test_counting_stops_somewhere(dead: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_lists, "MOST_COUNTED", 2)
    for _ in range(2):
        make_delivery(make_endpoint(dead.organization), status="dead_letter")

    assert "2+ dead letters" in words(administrator().get(DEAD_LETTERS))


def test_a_list_that_takes_too_long_gives_up_in_words(
    dead: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_lists, "SECONDS", 0.001)
    monkeypatch.setattr(admin_lists.BoundedPaginator, "count", property(slow_count))

    page = administrator().get(DEAD_LETTERS)

    assert page.status_code == 200
    assert "This took longer than 0.001 seconds. Choose a tenant or a period" in words(page)
    assert list(page.context["cl"].result_list) == []


def slow_count(paginator: admin_lists.BoundedPaginator) -> int:
    if paginator.object_list.query.is_empty():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    return 1


def test_patience_ends_with_its_block(db: None) -> None:
    with pytest.raises(TookTooLong), patience(0.001), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    with patience(1):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_what_is_open_says_when_it_is_tried(acme: SimpleNamespace) -> None:
    make_delivery(make_endpoint(acme.organization))
    make_delivery(
        make_endpoint(acme.organization), status="failed", next_attempt_at=ahead(minutes=27, seconds=30)
    )

    read = words(administrator().get(DELIVERIES))

    assert "Pending next now Acme" in read
    assert "Failed next in 27 minutes Acme" in read

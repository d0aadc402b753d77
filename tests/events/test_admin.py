"""The admin's events: what came in, what became of it, and sending it again."""

from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deliveries.models import Attempt, Delivery
from events.models import Event
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_event
from tests.staff import administrator, log_in, logged, press, viewer, words

EVENTS = "/admin/events/event/"
HOSTILE = "</pre><script>alert(1)</script>"


def page_of(event: Event) -> str:
    return f"{EVENTS}{event.pk}/change/"


def shown(path: str) -> set[Event]:
    return set(administrator().get(path).context["cl"].result_list)


@pytest.fixture
def event(acme: SimpleNamespace) -> Event:
    return make_event(acme.organization, payload={"secret of the tenant": HOSTILE}, dedup_id="order-4711")


@pytest.fixture
def dead(event: Event) -> Delivery:
    endpoint = make_endpoint(event.organization, url="https://hooks.acme.example/in?token=hunter2")
    return make_delivery(endpoint, event=event, status="dead_letter", attempts=5, last_status_code=503)


def test_an_event_in_the_list(dead: Delivery) -> None:
    page = administrator().get(EVENTS)

    assert f"order.created {dead.event_id} Dead letter Acme order-4711 just now" in words(page)
    assert "secret of the tenant" not in page.content.decode()


def test_the_list_takes_no_more_queries_for_more_events(dead: Delivery) -> None:
    browser = administrator()
    with CaptureQueriesContext(connection) as one:
        browser.get(EVENTS)
    for _ in range(9):
        make_delivery(dead.endpoint)

    with CaptureQueriesContext(connection) as ten:
        assert len(browser.get(EVENTS).context["cl"].result_list) == 10

    assert len(ten) == len(one) == 8


def test_events_are_found(event: Event, rival: SimpleNamespace) -> None:
    other = make_event(rival.organization, event_type="invoice.paid")
    delivery = make_delivery(make_endpoint(rival.organization), event=other)

    assert shown(f"{EVENTS}?q={event.pk}") == {event}
    assert shown(f"{EVENTS}?q={delivery.pk}") == {other}
    assert shown(f"{EVENTS}?q=Rival") == {other}
    assert shown(f"{EVENTS}?q=order-4711") == set()
    assert shown(f"{EVENTS}?q=order-4711&tenant={event.organization_id}") == {event}
    assert shown(f"{EVENTS}?type=invoice.*") == {other}
    assert shown(f"{EVENTS}?tenant={event.organization_id}") == {event}
    assert shown(f"{EVENTS}?since={ago(minutes=1).isoformat()[:16]}") == {event, other}
    assert shown(f"{EVENTS}?until={ago(minutes=1).isoformat()[:16]}") == set()


def test_an_empty_list_says_what_will_be_there(db: None) -> None:
    assert "No events. Whatever a tenant posts" in words(administrator().get(EVENTS))


def test_an_event_with_what_became_of_it(dead: Delivery) -> None:
    page = administrator().get(page_of(dead.event))

    assert "Status Dead letter" in words(page)
    assert "Acknowledged no" in words(page)
    assert "https://hooks.acme.example/in Dead letter 503 Service Unavailable 5 Replay…" in words(page)
    assert f'href="/admin/deliveries/delivery/{dead.pk}/change/"' in page.content.decode()


def test_an_acknowledged_event(event: Event) -> None:
    Event.objects.update(acknowledged_at=ago(hours=2))

    assert "Status Acknowledged" in words(administrator().get(page_of(event)))
    assert "Acknowledged 2 hours ago" in words(administrator().get(page_of(event)))


def test_the_life_of_an_event(dead: Delivery) -> None:
    plain = {"delivery": dead, "started_at": ago(minutes=5), "duration_ms": 210, "outcome": "rejected"}
    Attempt.objects.create(**plain, number=5, status_code=503, connect_ms=30, tls_ms=70, first_byte_ms=100)
    browser = administrator()

    page = browser.get(page_of(dead.event))

    read = words(page)
    assert "It was accepted and stored. 1 endpoint wanted it." in read
    assert "https://hooks.acme.example/in Attempt 5 Refused 503 210 ms" in read
    assert "UTC TCP 30 ms TLS 70 ms first byte 100 ms the rest 10 ms" in read
    assert "It was given up: a dead letter, until somebody replays it." in read
    assert "POST https://hooks.acme.example/in Host: hooks.acme.example" in read
    assert "hunter2" not in page.content.decode()


def test_what_staff_did_with_an_event_is_told_to_who_may_see_it(dead: Delivery) -> None:
    browser = administrator()
    press(browser, browser.get(f"{EVENTS}{dead.event_id}/replay/"))
    told = "sent it again to 1 endpoint."

    assert told in words(browser.get(page_of(dead.event)))
    assert told not in words(viewer().get(page_of(dead.event)))


def test_the_page_of_an_event_takes_no_more_queries_for_more_deliveries(dead: Delivery) -> None:
    browser = administrator()
    browser.get(page_of(dead.event))  # the first of a process asks for a content type as well
    with CaptureQueriesContext(connection) as one:
        browser.get(page_of(dead.event))
    for number in range(5):
        endpoint = make_endpoint(dead.organization)
        delivery = make_delivery(endpoint, event=dead.event, status="failed")
        Attempt.objects.create(
            delivery=delivery, number=number, started_at=ago(minutes=1), duration_ms=1, outcome="timeout"
        )

    with CaptureQueriesContext(connection) as six:
        assert len(browser.get(page_of(dead.event)).context["moments"]) == 12

    assert len(six) == len(one)


def test_an_event_can_be_copied_as_a_command(event: Event) -> None:
    Event.objects.update(payload={"n": 1})

    page = administrator().get(page_of(event))

    assert page.context["curl"] == (
        "curl -X POST http://testserver/api/events \\\n"
        "  -H 'X-API-Key: '\"$TRIGGERS_API_KEY\" \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        """  --data-binary '{"type":"order.created","payload":{"n": 1}}'"""
    )


def test_an_event_that_nobody_wanted(event: Event) -> None:
    assert "No endpoint wanted this event when it came in." in words(administrator().get(page_of(event)))


def test_a_payload_is_never_markup(event: Event) -> None:
    content = administrator().get(page_of(event)).content.decode()

    assert (
        "&quot;secret of the tenant&quot;: &quot;&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;"
        in content
    )
    assert "alert(1)</script>" not in content


def test_an_event_is_looked_at_and_not_edited(event: Event) -> None:
    browser = administrator()

    assert browser.post(page_of(event), {"type": "other"}).status_code == 405
    assert browser.post(f"{EVENTS}add/", {"type": "other"}).status_code == 403
    assert browser.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(Event.objects.values_list("type", flat=True)) == ["order.created"]


# --- Replay -------------------------------------------------------------------------------------------------------


def test_a_replay_names_where_it_goes_first(dead: Delivery) -> None:
    make_endpoint(dead.organization, url="https://new.acme.example/in", event_types=["order.*"])
    make_endpoint(dead.organization, url="https://other.acme.example/in", event_types=["invoice.*"])

    asked = administrator().get(f"{EVENTS}{dead.event_id}/replay/")

    read = words(asked)
    assert "Send this event again to 2 endpoints?" in read
    assert "https://hooks.acme.example/in Dead letter https://new.acme.example/in Not sent there yet" in read
    assert "other.acme" not in read
    assert list(Delivery.objects.values_list("status", flat=True)) == ["dead_letter"]


def test_an_event_is_replayed_to_all_that_want_it(dead: Delivery) -> None:
    make_endpoint(dead.organization)
    browser = administrator()

    page = press(browser, browser.get(f"{EVENTS}{dead.event_id}/replay/"))

    assert "2 deliveries are being sent again." in words(page)
    assert list(Delivery.objects.values_list("status", flat=True)) == ["pending", "pending"]
    assert logged() == [(str(dead.event), "event.replayed")]


def test_pressing_twice_replays_once(dead: Delivery) -> None:
    browser = administrator()
    asked = browser.get(f"{EVENTS}{dead.event_id}/replay/")
    press(browser, asked)
    Delivery.objects.update(next_attempt_at=ahead(hours=1))

    page = press(browser, asked)

    assert "Nothing was replayed: it was done already, or what you saw has changed meanwhile." in words(page)
    assert list(Delivery.objects.values_list("status", "manual")) == [("pending", False)]
    assert len(logged()) == 1


def test_an_event_that_nobody_wants_is_not_replayed(event: Event) -> None:
    browser = administrator()

    asked = browser.get(f"{EVENTS}{event.pk}/replay/")

    assert "No endpoint of this tenant wants order.created" in words(asked)
    assert asked.context["button"] == ""
    assert "Nothing was replayed" in words(press(browser, asked))
    assert logged() == []


def test_who_may_only_look_replays_no_event(dead: Delivery) -> None:
    for browser in (viewer(), log_in("events.view_event", "events.change_event")):
        assert "Replay…" not in words(browser.get(page_of(dead.event)))
        assert browser.get(f"{EVENTS}{dead.event_id}/replay/").status_code == 403
        assert browser.post(f"{EVENTS}{dead.event_id}/replay/", {"seen": "x"}).status_code == 403

    dead.refresh_from_db()
    assert dead.status == "dead_letter"
    assert logged() == []


def test_a_form_of_another_site_replays_no_event(dead: Delivery) -> None:
    asked = administrator().get(f"{EVENTS}{dead.event_id}/replay/")

    answer = press(administrator(enforce_csrf_checks=True), asked)

    assert answer.status_code == 403
    dead.refresh_from_db()
    assert dead.status == "dead_letter"


# --- Acknowledge --------------------------------------------------------------------------------------------------


def test_an_event_is_acknowledged_and_what_waits_is_canceled(event: Event) -> None:
    make_delivery(make_endpoint(event.organization), event=event, status="failed")
    make_delivery(make_endpoint(event.organization), event=event, status="delivered")
    browser = administrator()

    asked = browser.get(f"{EVENTS}{event.pk}/acknowledge/")
    assert "Acknowledge this event and cancel 1 delivery?" in words(asked)
    assert Event.objects.unacknowledged().count() == 1
    page = press(browser, asked)

    assert "The event is acknowledged. 1 delivery was canceled." in words(page)
    assert "acknowledged it." in words(page)
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["canceled", "delivered"]
    assert Event.objects.acknowledged().count() == 1
    assert logged() == [(str(event), "event.acknowledged")]


def test_acknowledging_twice_changes_nothing_the_second_time(event: Event) -> None:
    browser = administrator()
    asked = browser.get(f"{EVENTS}{event.pk}/acknowledge/")
    press(browser, asked)
    before = Event.objects.values_list("acknowledged_at", flat=True).get()

    page = press(browser, asked)

    assert "Nothing was changed: it was acknowledged already." in words(page)
    assert Event.objects.values_list("acknowledged_at", flat=True).get() == before
    assert "This event is acknowledged already" in words(browser.get(f"{EVENTS}{event.pk}/acknowledge/"))
    assert "Acknowledge…" not in words(browser.get(page_of(event)))
    assert len(logged()) == 1


def test_who_may_only_look_acknowledges_no_event(event: Event) -> None:
    for browser in (viewer(), log_in("events.view_event", "events.change_event")):
        assert "Acknowledge…" not in words(browser.get(page_of(event)))
        assert browser.get(f"{EVENTS}{event.pk}/acknowledge/").status_code == 403
        assert browser.post(f"{EVENTS}{event.pk}/acknowledge/").status_code == 403

    assert Event.objects.unacknowledged().count() == 1
    assert logged() == []

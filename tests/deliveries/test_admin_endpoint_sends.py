"""The admin sends a test event to an endpoint and shows the answer; and replays what was settled there in some time."""

from types import SimpleNamespace

import pytest

from deliveries.models import Attempt, Delivery, Endpoint
from deliveries.picked import StaffReplay
from events.models import Event
from organizations.models import AuditEntry
from tests.factories import ago, make_delivery, make_endpoint
from tests.staff import administrator, logged, press, words

ENDPOINTS = "/admin/deliveries/endpoint/"


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization)


def page_for(endpoint: Endpoint, verb: str) -> str:
    return f"{ENDPOINTS}{endpoint.pk}/{verb}/"


def attempted(delivery: Delivery, **fields: object) -> None:
    Attempt.objects.create(delivery=delivery, number=1, started_at=ago(seconds=1), duration_ms=42, **fields)


def test_a_test_event_is_sent_once_it_was_asked(endpoint: Endpoint) -> None:
    browser = administrator()

    asked = browser.get(page_for(endpoint, "test"))
    assert "Send a test event to this endpoint?" in words(asked)
    assert Event.objects.count() == 0
    page = press(browser, asked)

    delivery = Delivery.objects.get()
    assert (delivery.endpoint, delivery.test, delivery.event_type) == (endpoint, True, "webhook.test")
    assert "Sent. Waiting for the answer…" in words(page)
    assert 'data-live="1"' in page.content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after) == ("endpoint.tested", {"delivery": str(delivery.pk)})


def test_the_answer_to_a_test_is_shown(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, test=True, status="dead_letter")
    attempted(
        delivery,
        outcome="rejected",
        status_code=503,
        error="The receiver answered 503.",
        response_body="Down",
    )

    page = administrator().get(f"{page_for(endpoint, 'test')}{delivery.pk}/")

    assert "It answered 503 after 42 ms Given up: it became a dead letter." in words(page)
    assert "Response body Down" in words(page)
    assert "data-live" not in page.content.decode()


def test_a_test_that_was_delivered(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, test=True, status="delivered")
    attempted(delivery, outcome="delivered", status_code=204)
    page = administrator().get(f"{page_for(endpoint, 'test')}{delivery.pk}/")
    assert "It answered 204 after 42 ms" in words(page)
    assert "state-good" in page.content.decode()


def test_the_page_looks_for_an_answer_for_a_minute(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, test=True, created_at=ago(seconds=61))
    page = administrator().get(f"{page_for(endpoint, 'test')}{delivery.pk}/")
    assert "No answer yet" in words(page)
    assert "data-live" not in page.content.decode()


def test_only_tests_of_this_endpoint_are_shown(endpoint: Endpoint, rival: SimpleNamespace) -> None:
    others = make_delivery(make_endpoint(rival.organization), test=True)
    for delivery in (make_delivery(endpoint), others):
        path = f"{page_for(endpoint, 'test')}{delivery.pk}/"
        assert administrator().get(path).status_code == 404


def test_nothing_is_tried_at_an_endpoint_that_is_paused(endpoint: Endpoint) -> None:
    Endpoint.objects.update(state="paused")
    browser = administrator()
    page = browser.post(page_for(endpoint, "test"))
    assert "It is paused. Resume it, and then try it." in words(page)
    assert (Delivery.objects.count(), logged()) == (0, [])


# --- A time window ----------------------------------------------------------------------------------------------------


@pytest.fixture
def deliveries(endpoint: Endpoint) -> dict[str, Delivery]:
    """Made three hours ago, but for `old`; `other` goes elsewhere."""
    elsewhere = make_endpoint(endpoint.organization)
    return {
        "dead": make_delivery(endpoint, status="dead_letter", created_at=ago(hours=3)),
        "delivered": make_delivery(endpoint, status="delivered", created_at=ago(hours=3)),
        "open": make_delivery(endpoint, status="failed", created_at=ago(hours=3)),
        "old": make_delivery(endpoint, status="dead_letter", created_at=ago(hours=30)),
        "other": make_delivery(elsewhere, status="dead_letter", created_at=ago(hours=3)),
    }


def window(**fields: object) -> dict[str, object]:
    return {"since": f"{ago(hours=24):%Y-%m-%dT%H:%M}", "until": "", "status": "dead_letter", **fields}


def pending() -> set[Delivery]:
    return set(Delivery.objects.filter(status="pending"))


def test_the_dead_letters_of_a_time_are_counted_and_then_replayed(
    endpoint: Endpoint, deliveries: dict[str, Delivery]
) -> None:
    browser = administrator()

    assert "Count them" in words(browser.get(page_for(endpoint, "replay")))
    asked = browser.get(page_for(endpoint, "replay"), window())
    assert "Replay 1 delivery to this endpoint?" in words(asked)
    assert pending() == set()
    page = press(browser, asked)

    assert "Being sent again 1 delivery" in words(page)
    assert pending() == {deliveries["dead"]}
    assert logged() == [("replay of 1", "deliveries.replayed")]
    assert f"endpoint={endpoint.pk}&since=" in StaffReplay.objects.get().which


def test_all_that_is_settled_is_replayed(endpoint: Endpoint, deliveries: dict[str, Delivery]) -> None:
    browser = administrator()
    press(browser, browser.get(page_for(endpoint, "replay"), window(status="all")))
    assert pending() == {deliveries["dead"], deliveries["delivered"]}


def test_until_is_the_end_of_it(endpoint: Endpoint, deliveries: dict[str, Delivery]) -> None:
    browser = administrator()
    given = window(since=f"{ago(hours=48):%Y-%m-%dT%H:%M}", until=f"{ago(hours=24):%Y-%m-%dT%H:%M}")
    press(browser, browser.get(page_for(endpoint, "replay"), given))
    assert pending() == {deliveries["old"]}


def test_pressed_twice_replays_once(endpoint: Endpoint, deliveries: dict[str, Delivery]) -> None:
    browser = administrator()
    asked = browser.get(page_for(endpoint, "replay"), window())
    press(browser, asked)
    Delivery.objects.filter(pk=deliveries["dead"].pk).update(
        status="dead_letter", next_attempt_at=None, settled_at=ago(hours=3)
    )
    press(browser, asked)
    assert (pending(), StaffReplay.objects.count()) == (set(), 1)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"since": ""}, "Say from when."),
        ({"since": "yesterday"}, "Write a time like 2026-11-23 14:00."),
        ({"until": "2001-01-01T00:00"}, "The end is not after the beginning."),
        ({"status": "pending"}, "Say which."),
    ],
)
def test_a_window_that_is_none_is_refused(
    endpoint: Endpoint, deliveries: dict[str, Delivery], given: dict[str, str], fault: str
) -> None:
    browser = administrator()
    for page in (
        browser.get(page_for(endpoint, "replay"), window(**given)),
        browser.post(page_for(endpoint, "replay"), window(**given)),
    ):
        assert fault in words(page)
    assert (pending(), logged()) == (set(), [])


def test_a_window_as_wide_as_can_be_written(endpoint: Endpoint, deliveries: dict[str, Delivery]) -> None:
    given = window(since="0001-01-01T00:00", until="9999-12-31T23:59")
    assert "Replay 2 deliveries to this endpoint?" in words(
        administrator().get(page_for(endpoint, "replay"), given)
    )

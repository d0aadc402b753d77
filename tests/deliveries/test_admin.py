"""A delivery's page in the admin."""

from types import SimpleNamespace

import pytest

from deliveries.models import Attempt, Delivery
from tests.factories import ago, make_delivery, make_endpoint
from tests.staff import administrator, log_in, viewer, words

DEAD_LETTERS = "/admin/deliveries/deadletter/"
DELIVERIES = "/admin/deliveries/delivery/"


def page_of(delivery: Delivery) -> str:
    return f"{DELIVERIES}{delivery.pk}/change/"


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


def try_once(delivery: Delivery, **fields: object) -> Attempt:
    plain = {
        "number": 1,
        "started_at": ago(hours=3),
        "duration_ms": 1234,
        "outcome": "rejected",
        "status_code": 503,
    }
    return Attempt.objects.create(delivery=delivery, **{**plain, **fields})


def test_a_dead_letter_has_the_page_of_its_delivery(dead: Delivery) -> None:
    page = administrator().get(f"{DEAD_LETTERS}{dead.pk}/change/")

    assert page.status_code == 302
    assert page.url == page_of(dead)


def test_a_delivery_tells_each_attempt_in_words(dead: Delivery) -> None:
    again = ago(hours=2)
    try_once(
        dead, error="The receiver answered 503.", next_attempt_at=again, response_headers={"Server": "nginx"}
    )
    try_once(
        dead, number=2, outcome="timeout", status_code=None, error="No whole answer within 30 s.", manual=True
    )

    read = words(administrator().get(page_of(dead)))

    assert "Attempt 1 Refused 503 3 hours ago, 1.2 s" in read
    assert f"Then Planned to be tried again at {again:%Y-%m-%d %H:%M:%S} UTC." in read
    assert "Response headers Server: nginx The response had no body." in read
    assert "Attempt 2 by hand Timed out 3 hours ago, 1.2 s" in read
    assert "Error No whole answer within 30 s. Then Given up: it became a dead letter." in read


def test_a_delivery_shows_what_was_sent_and_how_long_it_took(dead: Delivery) -> None:
    try_once(dead, number=4, first_byte_ms=1200)

    page = administrator().get(page_of(dead))

    read = words(page)
    assert "kept connection first byte 1.2 s the rest 34 ms" in read
    assert f"webhook-id: {dead.event_id} webhook-timestamp: " in read
    assert "webhook-attempt: 4" in read
    assert "-X POST https://hooks.acme.example/in " in page.context["curl"]
    assert "hunter2" not in page.content.decode()


def test_a_delivery_says_what_it_waits_for(acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(acme.organization, state="paused"))

    assert "It waits: its endpoint is paused." in words(administrator().get(page_of(delivery)))


@pytest.mark.parametrize(
    ("status", "attempt", "then"),
    [
        ("delivered", {"outcome": "delivered", "status_code": 200}, "Delivered: nothing more to do."),
        ("dead_letter", {"status_code": 410}, "Given up: the receiver wants nothing more"),
        ("canceled", {}, "Canceled: it will not be tried again."),
        ("pending", {}, "Given up: it became a dead letter. Then it was replayed."),
    ],
)
def test_what_came_after_the_last_attempt(
    acme: SimpleNamespace, status: str, attempt: dict[str, object], then: str
) -> None:
    delivery = make_delivery(make_endpoint(acme.organization), status=status)
    try_once(delivery, **attempt)

    assert then in words(administrator().get(page_of(delivery)))


def test_a_delivery_that_was_not_tried_yet(acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(acme.organization))

    assert "No attempt yet." in words(administrator().get(page_of(delivery)))


def test_what_a_receiver_answers_is_never_markup(dead: Delivery) -> None:
    hostile = "</pre><script>alert(1)</script>"
    try_once(dead, error=hostile, response_body=hostile, response_headers={hostile: hostile})

    content = administrator().get(page_of(dead)).content.decode()

    assert content.count("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 4
    assert "alert(1)</script>" not in content


def test_a_payload_is_laid_out_with_every_digit(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization)
    acme.api.post("/api/events", b'{"type": "a", "payload": {"n": 12345678901234567890.123, "html": "<b>"}}')

    content = administrator().get(page_of(Delivery.objects.get())).content.decode()

    assert (
        "{\n    &quot;n&quot;: 12345678901234567890.123,\n    &quot;html&quot;: &quot;&lt;b&gt;&quot;\n}"
        in content
    )


def test_a_delivery_is_looked_at_and_not_edited(dead: Delivery) -> None:
    browser = administrator()

    assert browser.post(page_of(dead), {"status": "delivered"}).status_code == 405
    for path in (f"{DELIVERIES}add/", f"{DELIVERIES}{dead.pk}/delete/", f"{DEAD_LETTERS}add/"):
        assert browser.post(path, {"post": "yes"}).status_code == 403, path
    dead.refresh_from_db()
    assert dead.status == "dead_letter"


def test_an_unknown_delivery(db: None) -> None:
    browser = administrator()

    for unknown in ("01a20445-7d9d-7348-90e9-e079c79d4440", "nonsense"):
        page = browser.get(f"{DELIVERIES}{unknown}/change/")
        assert page.status_code == 404
        assert "There is nothing at this address." in words(page)


def test_who_may_only_look_is_offered_nothing_else(dead: Delivery) -> None:
    browser = viewer()

    for path in (DEAD_LETTERS, DELIVERIES, page_of(dead)):
        page = browser.get(path)
        assert page.status_code == 200
        assert "Replay" not in words(page)


def test_who_may_not_look_sees_nothing(dead: Delivery) -> None:
    browser = log_in("events.view_event")

    for path in (DEAD_LETTERS, DELIVERIES, page_of(dead)):
        page = browser.get(path)
        assert page.status_code == 403
        assert "Your account may not see or do this." in words(page)


def test_a_header_that_is_called_items_breaks_no_page(dead: Delivery) -> None:
    try_once(dead, response_headers={"items": "x"})

    assert "items: x" in words(administrator().get(page_of(dead)))

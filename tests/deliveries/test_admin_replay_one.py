"""Replaying one delivery from the admin, and who may replay at all."""

from types import SimpleNamespace

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from deliveries import admin_replay
from deliveries.models import Delivery
from organizations.audit import Actor
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_event
from tests.staff import administrator, log_in, logged, press, viewer, words

DEAD_LETTERS = "/admin/deliveries/deadletter/"
DELIVERIES = "/admin/deliveries/delivery/"


def dead_letters(acme: SimpleNamespace, number: int, **fields: object) -> list[Delivery]:
    endpoint = make_endpoint(acme.organization, url="https://hooks.acme.example/in?token=hunter2")
    return [make_delivery(endpoint, status="dead_letter", attempts=5, **fields) for _ in range(number)]


def tick(browser: Client, *ticked: Delivery, path: str = DEAD_LETTERS, across: bool = False) -> HttpResponse:
    """Ticks rows of a list and presses Go."""
    data = {
        "action": "replay_ticked",
        "_selected_action": [str(delivery.pk) for delivery in ticked],
        "select_across": "1" if across else "0",
        "index": "0",
    }
    return browser.post(path, data)


def statuses() -> list[str]:
    return sorted(Delivery.objects.values_list("status", flat=True))


def test_one_is_asked_about_and_replayed(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    path = f"{DELIVERIES}{delivery.pk}/replay/"

    asked = browser.get(path)
    assert "Replay this delivery?" in words(asked)
    assert "https://hooks.acme.example/in" in words(asked)
    assert "hunter2" not in asked.content.decode()
    assert statuses() == ["dead_letter"]
    page = press(browser, asked)

    assert "1 delivery is being sent again." in words(page)
    assert statuses() == ["pending"]
    assert logged() == [(str(delivery), "delivery.replayed")]


def test_pressing_twice_replays_one_once(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    asked = browser.get(f"{DELIVERIES}{delivery.pk}/replay/")
    press(browser, asked)

    page = press(browser, asked)

    assert "Nothing was replayed" in words(page)
    assert list(Delivery.objects.values_list("status", "manual")) == [("pending", False)]
    assert len(logged()) == 1


def test_what_waits_for_a_retry_is_sent_now_once(acme: SimpleNamespace) -> None:
    later = ahead(hours=1)
    delivery = make_delivery(
        make_endpoint(acme.organization), status="failed", next_attempt_at=later, attempts=2
    )
    browser = administrator()
    asked = browser.get(f"{DELIVERIES}{delivery.pk}/replay/")
    assert "Send this delivery now?" in words(asked)

    pages = [words(press(browser, asked)) for _ in range(2)]

    assert "1 delivery is being sent again." in pages[0]
    assert "Nothing was replayed" in pages[1]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.manual, delivery.resume_at) == (
        "failed",
        2,
        True,
        later,
    )
    assert len(logged()) == 1


def test_where_the_endpoint_was_deleted_nothing_can_be_sent(acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(acme.organization, deleted_at=ago(hours=1)), status="dead_letter")
    browser = administrator()

    asked = browser.get(f"{DELIVERIES}{delivery.pk}/replay/")
    assert "Its endpoint was deleted: there is nowhere to send it." in words(asked)
    assert asked.context["button"] == ""
    assert "Replay…" not in words(browser.get(f"{DELIVERIES}{delivery.pk}/change/"))
    press(browser, asked)

    assert statuses() == ["dead_letter"]


def test_what_is_due_anyway_is_not_offered(acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(acme.organization))
    browser = administrator()

    assert "Send now" not in words(browser.get(f"{DELIVERIES}{delivery.pk}/change/"))
    assert "It is due already" in words(browser.get(f"{DELIVERIES}{delivery.pk}/replay/"))


# --- Who may ------------------------------------------------------------------------------------------------------


def attempts_to_replay(browser: Client, delivery: Delivery) -> list[HttpResponse]:
    """Every way there is, with what the pages would send."""
    as_of = ahead(hours=1).isoformat()
    return [
        browser.get(f"{DEAD_LETTERS}replay/"),
        browser.get(f"{DELIVERIES}{delivery.pk}/replay/"),
        browser.post(f"{DEAD_LETTERS}replay/", {"all": "yes", "as_of": as_of}),
        browser.post(f"{DEAD_LETTERS}replay/", {"id": str(delivery.pk), "as_of": as_of}),
        browser.post(f"{DELIVERIES}replay/", {"all": "yes", "as_of": as_of}),
        browser.post(f"{DELIVERIES}{delivery.pk}/replay/", {"seen": admin_replay.state_of(delivery)}),
    ]


def test_who_may_only_look_replays_nothing(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = viewer()

    assert [answer.status_code for answer in attempts_to_replay(browser, delivery)] == [403] * 6
    tick(browser, delivery)

    assert statuses() == ["dead_letter"]
    assert logged() == []


def test_the_permission_to_change_deliveries_is_what_it_takes(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = log_in("deliveries.change_delivery")

    press(browser, tick(browser, delivery))

    assert statuses() == ["pending"]


def test_a_form_of_another_site_replays_nothing(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator(enforce_csrf_checks=True)

    answers = attempts_to_replay(browser, delivery)

    assert [answer.status_code for answer in answers] == [200, 200, 403, 403, 403, 403]
    assert "This form was not accepted" in words(answers[2])
    assert tick(browser, delivery).status_code == 403
    assert statuses() == ["dead_letter"]
    assert logged() == []


def test_an_event_replayed_twice_moves_once(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    make_delivery(make_endpoint(acme.organization), event=event, status="dead_letter")
    seen = admin_replay.state_of_event(event.pk)
    user = User.objects.create(username="staff")

    moved = [
        admin_replay.replay_event_once(event, seen=seen, actor=Actor(user.pk, "staff")) for _ in range(2)
    ]

    assert moved == [1, None]

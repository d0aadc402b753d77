"""Replaying from the admin: asked first, done once, by those who may."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from deliveries import admin_replay
from deliveries.admin_replay import Asked, replay_ticked
from deliveries.models import DeadLetter, Delivery
from organizations.audit import Actor
from organizations.models import new_id
from tests.concurrency import at_once
from tests.factories import ago, ahead, make_delivery, make_endpoint
from tests.staff import administrator, logged, press, words

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


def test_ticked_ones_are_asked_about_first(acme: SimpleNamespace) -> None:
    first, second, _ = dead_letters(acme, 3)
    elsewhere = make_delivery(make_endpoint(acme.organization, state="paused"), status="dead_letter")

    asked = tick(administrator(), first, second, elsewhere)

    read = words(asked)
    assert "Replay 3 dead letters to 2 endpoints?" in read
    assert "1 tenant, 2 endpoints Tenant Endpoint Deliveries Acme https://hooks.acme.example/in 2" in read
    assert "Acme http://93.184.215.14/hooks It is paused: these will wait until it is resumed. 1" in read
    assert "hunter2" not in asked.content.decode()
    assert statuses() == ["dead_letter"] * 4
    assert logged() == []


def test_ticked_ones_are_replayed(acme: SimpleNamespace) -> None:
    first, second, third = dead_letters(acme, 3)
    browser = administrator()

    page = press(browser, tick(browser, first, second))

    assert "2 deliveries are being sent again." in words(page)
    assert page.request["PATH_INFO"] == DEAD_LETTERS
    moved = Delivery.objects.filter(pk__in=[first.pk, second.pk]).values("status", "attempts", "settled_at")
    assert list(moved) == [{"status": "pending", "attempts": 0, "settled_at": None}] * 2
    assert list(DeadLetter.objects.dead()) == [DeadLetter.objects.get(pk=third.pk)]
    assert sorted(logged()) == sorted((str(delivery), "delivery.replayed") for delivery in (first, second))


def test_pressing_twice_replays_once(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    asked = tick(browser, delivery)
    press(browser, asked)
    Delivery.objects.update(status="delivered", settled_at=ahead(seconds=5), next_attempt_at=None)

    page = press(browser, asked)

    assert "Nothing was replayed: it was done already" in words(page)
    assert statuses() == ["delivered"]
    assert len(logged()) == 1


def test_all_that_a_list_shows_are_replayed(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    ticked, _ = dead_letters(acme, 2, last_status_code=503)
    dead_letters(acme, 1, last_status_code=404)
    dead_letters(rival, 1, last_status_code=503)
    browser = administrator()
    path = f"{DEAD_LETTERS}?code=5xx&tenant={acme.organization.pk}"

    asked = tick(browser, ticked, path=path, across=True)
    assert "Replay 2 dead letters to 1 endpoint?" in words(asked)
    page = press(browser, asked)

    assert "Being sent again 2 deliveries" in words(page)
    assert "Which Dead letters; tenant: Acme; last status code: 5xx" in words(page)
    left = Delivery.objects.dead().values_list("last_status_code", "organization")
    assert sorted(left) == sorted([(404, acme.organization.pk), (503, rival.organization.pk)])
    assert logged() == [("replay of 2", "deliveries.replayed")]


def test_looking_at_the_replay_page_changes_nothing(acme: SimpleNamespace) -> None:
    dead_letters(acme, 2)

    page = administrator().get(f"{DEAD_LETTERS}replay/")

    assert "Replay 2 dead letters to 1 endpoint?" in words(page)
    assert statuses() == ["dead_letter"] * 2
    assert logged() == []


def test_all_is_replayed_from_the_replay_page(acme: SimpleNamespace) -> None:
    dead_letters(acme, 2)
    browser = administrator()

    press(browser, browser.get(f"{DEAD_LETTERS}replay/"))

    assert statuses() == ["pending"] * 2
    assert logged() == [("replay of 2", "deliveries.replayed")]


def test_what_died_after_the_question_is_not_swept_along(acme: SimpleNamespace) -> None:
    dead_letters(acme, 1)
    browser = administrator()
    asked = browser.get(f"{DEAD_LETTERS}replay/")
    (late,) = dead_letters(acme, 1, settled_at=ahead(seconds=1))

    assert "Being sent again 1 delivery" in words(press(browser, asked))

    assert [dead.pk for dead in DeadLetter.objects.dead()] == [late.pk]


def test_what_can_not_be_sent_is_left_alone(acme: SimpleNamespace) -> None:
    (dead,) = dead_letters(acme, 1)
    open_one = make_delivery(
        make_endpoint(acme.organization), status="failed", next_attempt_at=ahead(hours=1)
    )
    gone = make_delivery(make_endpoint(acme.organization, deleted_at=ago(hours=1)), status="dead_letter")
    browser = administrator()

    asked = tick(browser, dead, open_one, gone, path=DELIVERIES)
    assert "Replay 1 delivery to 1 endpoint?" in words(asked)
    assert "2 of those that you chose are left alone" in words(asked)
    press(browser, asked)

    assert statuses() == ["dead_letter", "failed", "pending"]
    open_one.refresh_from_db()
    assert open_one.manual is False


def test_when_there_is_nothing_to_replay(acme: SimpleNamespace) -> None:
    browser = administrator()

    page = browser.get(f"{DEAD_LETTERS}replay/")

    assert "There is nothing to replay" in words(page)
    assert page.context["button"] == ""


def test_too_many_are_not_replayed_at_once(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_replay, "MOST_AT_ONCE", 2)
    dead_letters(acme, 3)

    page = administrator().get(f"{DEAD_LETTERS}replay/")

    assert "These are too many to replay at once" in words(page)
    assert "At most 2 deliveries are replayed at once." in words(page)
    assert page.context["button"] == ""


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"all": "01a20445-7d9d-7348-90e9-e079c79d4440"},
        {"as_of": "2026-11-23T07:00:00Z"},
        {"as_of": "now", "all": "01a20445-7d9d-7348-90e9-e079c79d4440"},
        {"as_of": "2026-11-23T07:00:00Z", "all": "yes"},
        {"as_of": "", "id": "1"},
    ],
)
def test_what_our_pages_do_not_send_moves_nothing(acme: SimpleNamespace, data: dict[str, str]) -> None:
    dead_letters(acme, 1)

    page = administrator().post(f"{DEAD_LETTERS}replay/", data, follow=True)

    assert "Nothing was chosen." in words(page)
    assert statuses() == ["dead_letter"]


def test_a_filter_that_makes_no_sense_replays_nothing(acme: SimpleNamespace) -> None:
    dead_letters(acme, 1)
    data = {"all": str(new_id()), "as_of": ahead(hours=1).isoformat()}

    for query in ("code=five", "since=yesterday", "tenant=acme", "nonsense=1", "status=dead"):
        administrator().post(f"{DEAD_LETTERS}replay/?{query}", data)

    assert statuses() == ["dead_letter"]


@pytest.fixture
def committed_user(committed: None) -> Iterator[User]:
    user = User.objects.create(username="staff")
    yield user
    user.delete()


def test_of_two_who_press_at_once_one_replays_each(
    committed_acme: SimpleNamespace, committed_user: User
) -> None:
    dead_letters(committed_acme, 20)
    asked = Asked(datetime.now(UTC), Actor(committed_user.pk, "staff"))

    moved = at_once([lambda: replay_ticked(DeadLetter.objects.dead(), asked)] * 4)

    assert sum(moved) == 20, moved
    assert statuses() == ["pending"] * 20

"""Discarding dead letters from the admin: asked first, with a reason, done once, by those who may."""

from types import SimpleNamespace

import pytest

from deliveries import staff_replay
from deliveries.admin_replay import Asked, discard_ticked
from deliveries.bulk_replay import go_on
from deliveries.models import Attempt, DeadLetter, Delivery
from deliveries.picked import StaffReplay
from organizations.audit import Actor
from organizations.models import AuditEntry, new_id
from tests.concurrency import at_once
from tests.deliveries.test_admin_replay import DEAD_LETTERS, DELIVERIES, dead_letters, statuses
from tests.factories import ago, ahead, make_delivery, make_endpoint
from tests.staff import administrator, log_in, logged, press, viewer, words

WHY = "The receiver was shut down."


def test_one_is_asked_about_and_discarded(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1, last_status_code=503, last_error="The receiver answered 503.")
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        started_at=ago(hours=1),
        duration_ms=20,
        outcome="rejected",
        status_code=503,
    )
    browser = administrator()
    page = browser.get(f"{DELIVERIES}{delivery.pk}/change/")
    assert "Discard…" in words(page)

    asked = browser.get(f"{DEAD_LETTERS}{delivery.pk}/discard/")
    assert "Discard 1 dead letter?" in words(asked)
    assert statuses() == ["dead_letter"]
    page = press(browser, asked, reason=f"  {WHY}\n")

    assert "1 dead letter was discarded." in words(page)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_error) == ("canceled", f"Discarded: {WHY}")
    page = browser.get(f"{DELIVERIES}{delivery.pk}/change/")
    assert f"Discarded: {WHY}" in words(page)
    assert "it became a dead letter. Then it was discarded." in words(page)
    assert "Discard…" not in words(page)
    (entry,) = AuditEntry.objects.all()
    assert (entry.action, entry.before, entry.after) == (
        "delivery.discarded",
        {"status": "dead_letter"},
        {"status": "canceled", "reason": WHY},
    )


def test_pressing_twice_discards_once(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    asked = browser.get(f"{DEAD_LETTERS}{delivery.pk}/discard/")
    press(browser, asked, reason=WHY)

    page = press(browser, asked, reason="Another one.")

    assert "Nothing was discarded: it was done already" in words(page)
    assert list(Delivery.objects.values_list("last_error", flat=True)) == [f"Discarded: {WHY}"]
    assert len(logged()) == 1


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("", "Say why: it is kept with each of them."),
        (" \x00\n ", "Say why: it is kept with each of them."),
        ("x" * 201, "A reason may have 200 characters; this one has 201."),
    ],
)
def test_without_a_reason_nothing_is_discarded(acme: SimpleNamespace, reason: str, fault: str) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    for asked in (
        browser.get(f"{DEAD_LETTERS}{delivery.pk}/discard/"),
        browser.get(f"{DEAD_LETTERS}discard/"),
    ):
        page = press(browser, asked, reason=reason)

        assert fault in words(page)
        assert "Discard 1 dead letter?" in words(page)
    assert statuses() == ["dead_letter"]
    assert logged() == []


def test_a_reason_of_200_characters_will_do(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()

    press(browser, browser.get(f"{DEAD_LETTERS}{delivery.pk}/discard/"), reason="ü" * 200)

    delivery.refresh_from_db()
    assert delivery.last_error == "Discarded: " + "ü" * 200


def test_ticked_ones_are_discarded_with_an_entry_each(acme: SimpleNamespace) -> None:
    first, second, _ = dead_letters(acme, 3)
    browser = administrator()
    ticks = {
        "action": "discard_ticked",
        "_selected_action": [str(first.pk), str(second.pk)],
        "select_across": "0",
        "index": "0",
    }

    page = press(browser, browser.post(DEAD_LETTERS, ticks), reason=WHY)

    assert "2 dead letters were discarded." in words(page)
    assert statuses() == ["canceled", "canceled", "dead_letter"]
    assert sorted(logged()) == sorted((str(one), "delivery.discarded") for one in (first, second))


def test_many_are_discarded_a_part_at_a_time(
    acme: SimpleNamespace, rival: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_replay, "PART", 2)
    dead_letters(acme, 5)
    dead_letters(rival, 1)
    browser = administrator()

    asked = browser.get(f"{DEAD_LETTERS}discard/?tenant={acme.organization.pk}")
    assert "Discard 5 dead letters?" in words(asked)
    pages = [press(browser, asked, reason=WHY) for _ in range(2)]

    discard = StaffReplay.objects.get()
    assert {page.request["PATH_INFO"] for page in pages} == {
        f"/admin/deliveries/staffreplay/{discard.pk}/change/"
    }
    assert "Discard of 5 deliveries" in words(pages[0])
    assert f"Discarded 2 deliveries Reason {WHY} Which Dead letters; tenant: Acme" in words(pages[0])
    assert statuses() == ["canceled"] * 2 + ["dead_letter"] * 4
    assert go_on(seconds=10) == 2
    discard.refresh_from_db()
    assert (discard.state, discard.replayed) == ("done", 5)
    assert list(Delivery.objects.dead().values_list("organization", flat=True)) == [rival.organization.pk]
    (entry,) = AuditEntry.objects.all()
    assert (entry.action, entry.after) == (
        "deliveries.discarded",
        {"deliveries": 5, "which": "dead letters; tenant: Acme", "reason": WHY},
    )


def test_a_discard_is_ended_before_its_time(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_replay, "PART", 2)
    dead_letters(acme, 5)
    browser = administrator()
    press(browser, browser.get(f"{DEAD_LETTERS}discard/"), reason=WHY)
    discard = StaffReplay.objects.get()

    asked = browser.get(f"/admin/deliveries/staffreplay/{discard.pk}/cancel/")
    assert "End this discard? 2 deliveries were discarded and can be replayed." in words(asked)
    press(browser, asked)

    assert go_on(seconds=10) == 0
    assert statuses() == ["canceled"] * 2 + ["dead_letter"] * 3


def test_what_was_replayed_or_died_meanwhile_is_left_alone(acme: SimpleNamespace) -> None:
    stays, goes = dead_letters(acme, 2)
    browser = administrator()
    asked = browser.get(f"{DEAD_LETTERS}discard/")
    Delivery.objects.filter(pk=stays.pk).replay()
    (late,) = dead_letters(acme, 1, settled_at=ahead(seconds=5))

    press(browser, asked, reason=WHY)

    assert {str(pk): status for pk, status in Delivery.objects.values_list("pk", "status")} == {
        str(stays.pk): "pending",
        str(goes.pk): "canceled",
        str(late.pk): "dead_letter",
    }


def test_what_goes_to_a_deleted_endpoint_is_discarded_as_well(acme: SimpleNamespace) -> None:
    make_delivery(make_endpoint(acme.organization, deleted_at=ago(hours=1)), status="dead_letter")
    browser = administrator()

    press(browser, browser.get(f"{DEAD_LETTERS}discard/"), reason=WHY)

    assert statuses() == ["canceled"]


def test_what_was_discarded_can_be_replayed(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    press(browser, browser.get(f"{DEAD_LETTERS}{delivery.pk}/discard/"), reason=WHY)

    press(browser, browser.get(f"{DELIVERIES}{delivery.pk}/replay/"))

    assert statuses() == ["pending"]


@pytest.mark.parametrize(("others", "status"), [(["delivered"], "delivered"), ([], "pending")])
def test_the_event_is_as_if_that_endpoint_had_not_wanted_it(
    acme: SimpleNamespace, others: list[str], status: str
) -> None:
    (delivery,) = dead_letters(acme, 1)
    for other in others:
        make_delivery(make_endpoint(acme.organization), event=delivery.event, status=other)
    path = f"/api/events/{delivery.event_id}"
    assert acme.api.get(path).json()["status"] == "dead_letter"

    Delivery.objects.filter(pk=delivery.pk).discard(WHY)

    assert acme.api.get(path).json()["status"] == status


def test_when_there_is_nothing_to_discard(acme: SimpleNamespace) -> None:
    page = administrator().get(f"{DEAD_LETTERS}discard/")

    assert "There is nothing to discard" in words(page)
    assert page.context["button"] == ""


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"all": str(new_id())},
        {"as_of": "2026-11-23T07:00:00Z"},
        {"as_of": "2026-11-23T07:00:00Z", "all": "yes"},
        {"as_of": "2030-11-23T07:00:00Z", "all": str(new_id()), "id": str(new_id())},
        {"as_of": "", "id": "1"},
    ],
)
def test_what_our_pages_do_not_send_moves_nothing(acme: SimpleNamespace, data: dict[str, str]) -> None:
    dead_letters(acme, 1)

    page = administrator().post(f"{DEAD_LETTERS}discard/", {**data, "reason": WHY}, follow=True)

    assert "Nothing was chosen." in words(page)
    assert statuses() == ["dead_letter"]


def test_a_filter_that_makes_no_sense_discards_nothing(acme: SimpleNamespace) -> None:
    dead_letters(acme, 1)
    data = {"all": str(new_id()), "as_of": ahead(hours=1).isoformat(), "reason": WHY}

    for query in ("code=five", "kind=bad", "tenant=acme", "nonsense=1", "cause=503"):
        administrator().post(f"{DEAD_LETTERS}discard/?{query}", data)

    assert statuses() == ["dead_letter"]


def test_who_may_only_look_discards_nothing(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = viewer()
    data = {"id": str(delivery.pk), "as_of": ahead(hours=1).isoformat(), "reason": WHY}

    assert browser.get(f"{DEAD_LETTERS}discard/").status_code == 403
    assert browser.get(f"{DEAD_LETTERS}{delivery.pk}/discard/").status_code == 403
    assert browser.post(f"{DEAD_LETTERS}discard/", data).status_code == 403
    assert log_in("deliveries.change_delivery").get(f"{DEAD_LETTERS}discard/").status_code == 200
    assert statuses() == ["dead_letter"]


def test_of_two_who_press_at_once_one_discards_each(committed_acme: SimpleNamespace) -> None:
    dead_letters(committed_acme, 20)
    asked = Asked(ahead(seconds=1), Actor(None, "staff"))

    moved = at_once([lambda: discard_ticked(DeadLetter.objects.dead(), asked, reason=WHY)] * 4)

    assert sum(moved) == 20, moved
    assert statuses() == ["canceled"] * 20
    assert AuditEntry.objects.count() == 20

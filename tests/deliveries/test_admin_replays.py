"""Replaying all that a list shows: in the background, with its progress, and ended when somebody wants it ended."""

import re
import uuid
from types import SimpleNamespace

import pytest
from django.http import HttpResponse

from deliveries import staff_replay
from deliveries.admin_replay import replayable
from deliveries.bulk_replay import go_on
from deliveries.models import Delivery
from deliveries.picked import Pick, StaffReplay
from deliveries.staff_replay import PART, do_staff_part, start_staff_replay
from organizations.audit import Actor
from organizations.models import AuditEntry, new_id
from tests.concurrency import at_once
from tests.deliveries.test_admin_replay import DEAD_LETTERS, dead_letters, statuses
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_organization
from tests.staff import administrator, log_in, press, viewer, words
from tests.triggers_project.test_read_plans import nodes_of

REPLAYS = "/admin/deliveries/staffreplay/"


def many(acme: SimpleNamespace, number: int) -> None:
    """Dead letters, in one statement."""
    endpoint = make_endpoint(acme.organization)
    Delivery.objects.bulk_create(
        Delivery(
            organization=acme.organization,
            endpoint=endpoint,
            event_id=new_id(),
            event_type="order.created",
            status="dead_letter",
            settled_at=ago(minutes=1),
        )
        for _ in range(number)
    )


def page_of(replay: StaffReplay) -> str:
    return f"{REPLAYS}{replay.pk}/change/"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_replay, "PART", 2)


def begun(acme: SimpleNamespace, number: int = 5) -> tuple[HttpResponse, StaffReplay]:
    """One of several, of which the first part is done: the page that follows, and it."""
    dead_letters(acme, number)
    browser = administrator()
    page = press(browser, browser.get(f"{DEAD_LETTERS}replay/"))
    return page, StaffReplay.objects.get()


def figures(replay: StaffReplay) -> tuple[str, int, int, int]:
    replay.refresh_from_db()
    return replay.state, replay.picked, replay.looked_at, replay.replayed


def test_of_ten_thousand_the_request_moves_a_part_and_the_task_the_rest(
    acme: SimpleNamespace, rival: SimpleNamespace
) -> None:
    many(acme, 10_000)
    many(rival, 500)
    browser = administrator()

    asked = browser.get(f"{DEAD_LETTERS}replay/")
    assert "Replay 10,500 dead letters to 2 endpoints?" in words(asked)
    page = press(browser, asked)

    replay = StaffReplay.objects.get()
    assert page.request["PATH_INFO"] == page_of(replay)
    assert "Looked at 1,000 deliveries of 10,500 deliveries" in words(page)
    assert figures(replay) == ("running", 10_500, PART, PART)
    assert go_on(seconds=60) == 10
    assert figures(replay) == ("done", 10_500, 10_500, 10_500)
    assert set(statuses()) == {"pending"}
    assert not Pick.objects.exists()


def test_pressing_twice_begins_one_replay(acme: SimpleNamespace, small_parts: None) -> None:
    dead_letters(acme, 5)
    browser = administrator()
    asked = browser.get(f"{DEAD_LETTERS}replay/")

    first, second = press(browser, asked), press(browser, asked)

    replay = StaffReplay.objects.get()
    assert first.request["PATH_INFO"] == second.request["PATH_INFO"] == page_of(replay)
    assert figures(replay) == ("running", 5, 2, 2)
    assert AuditEntry.objects.filter(action="deliveries.replayed").count() == 1


def test_of_two_pages_that_were_open_at_once_one_replays_each(acme: SimpleNamespace) -> None:
    dead_letters(acme, 3)
    browser = administrator()
    pages = [browser.get(f"{DEAD_LETTERS}replay/") for _ in range(2)]

    press(browser, pages[0])
    Delivery.objects.update(status="delivered", settled_at=ahead(seconds=5), next_attempt_at=None)

    assert "Nothing was replayed: it was done already" in words(press(browser, pages[1]))
    assert statuses() == ["delivered"] * 3
    assert StaffReplay.objects.count() == 1


def test_what_moved_since_it_was_picked_is_left_alone(acme: SimpleNamespace, small_parts: None) -> None:
    _, replay = begun(acme)
    moved = Delivery.objects.get(pk=Pick.objects.order_by("delivery_id").first().delivery_id)
    Delivery.objects.filter(pk=moved.pk).update(status="delivered", settled_at=ahead(seconds=5))

    go_on(seconds=10)

    moved.refresh_from_db()
    assert moved.status == "delivered"
    assert figures(replay) == ("done", 5, 5, 4)
    assert "1 delivery left alone" in words(administrator().get(page_of(replay)))


def live(page: HttpResponse) -> list[str]:
    """The regions that are fetched anew."""
    return re.findall(r'id="([\w-]+)" data-live="2"', page.content.decode())


def test_its_page_shows_how_far_it_is_and_looks_again_by_itself(
    acme: SimpleNamespace, small_parts: None
) -> None:
    page, replay = begun(acme)

    assert live(page) == ["replay-end", "replay"]
    assert "Looked at 2 deliveries of 5 deliveries Being sent again 2 deliveries" in words(page)
    assert "Which Dead letters" in words(page)
    go_on(seconds=10)
    page = administrator().get(page_of(replay))
    assert live(page) == []
    assert "State Done just now" in words(page)
    assert "End…" not in words(page)


def test_it_is_found_again_in_the_list(acme: SimpleNamespace, small_parts: None) -> None:
    begun(acme)

    assert "Replay of 5 deliveries dead letters Running 2 of 5 staff-0 just now" in words(
        viewer().get(REPLAYS)
    )
    assert administrator().get(f"{REPLAYS}?state=done").context["cl"].result_count == 0


def test_it_is_ended_once_it_was_asked(acme: SimpleNamespace, small_parts: None) -> None:
    _, replay = begun(acme)
    browser = administrator()
    path = f"{REPLAYS}{replay.pk}/cancel/"

    asked = browser.get(path)
    assert "End this replay?" in words(asked)
    assert figures(replay) == ("running", 5, 2, 2)
    assert "The replay was ended." in words(press(browser, asked))

    assert figures(replay) == ("canceled", 5, 2, 2)
    assert do_staff_part(replay.pk) is False
    assert statuses() == ["dead_letter"] * 3 + ["pending"] * 2
    assert not Pick.objects.exists()
    entry = AuditEntry.objects.get(action="replay.canceled")
    assert (entry.before, entry.after) == ({"state": "running"}, {"state": "canceled", "replayed": 2})
    assert "It was over already." in words(press(browser, asked))
    assert AuditEntry.objects.filter(action="replay.canceled").count() == 1


def test_who_may_only_look_ends_nothing(acme: SimpleNamespace, small_parts: None) -> None:
    _, replay = begun(acme)
    browser = viewer()

    assert "End…" not in words(browser.get(page_of(replay)))
    assert browser.get(f"{REPLAYS}{replay.pk}/cancel/").status_code == 403
    assert browser.post(f"{REPLAYS}{replay.pk}/cancel/").status_code == 403
    assert log_in().get(page_of(replay)).status_code == 403
    assert figures(replay) == ("running", 5, 2, 2)


def test_no_tenant_sees_what_staff_replay(acme: SimpleNamespace, small_parts: None) -> None:
    _, replay = begun(acme)

    assert acme.api.get("/api/replays").json()["items"] == []
    assert acme.api.get(f"/api/replays/{replay.pk}").status_code == 404
    assert acme.api.post(f"/api/replays/{replay.pk}/cancel").status_code == 404
    assert figures(replay) == ("running", 5, 2, 2)


def start(replay_id: uuid.UUID) -> StaffReplay | None:
    as_of = ahead(seconds=0)
    chosen = replayable(Delivery.objects.dead(), as_of=as_of)
    return start_staff_replay(chosen, replay_id=replay_id, as_of=as_of, which="all", actor=Actor(None, "ada"))


def test_of_many_who_press_the_same_button_at_once_one_begins(committed_acme: SimpleNamespace) -> None:
    dead_letters(committed_acme, 20)
    replay_id = new_id()

    begun = at_once([lambda: start(replay_id)] * 4)

    assert {replay.pk for replay in begun if isinstance(replay, StaffReplay)} == {replay_id}
    assert figures(StaffReplay.objects.get()) == ("done", 20, 20, 20)
    assert AuditEntry.objects.count() == 1


def test_two_workers_go_on_with_it_without_looking_twice(
    committed_acme: SimpleNamespace, small_parts: None
) -> None:
    dead_letters(committed_acme, 21)
    replay = start(new_id())
    assert replay is not None

    at_once([lambda: go_on(seconds=20)] * 3)
    go_on(seconds=20)

    assert figures(replay) == ("done", 21, 21, 21)


def test_a_part_is_taken_without_a_look_at_all_picks_for_each_pick(db: None) -> None:
    replay = StaffReplay.objects.create(picked=5_000, which="all", as_of=ago(days=1))
    Pick.objects.bulk_create(Pick(replay=replay, delivery_id=new_id()) for _ in range(5_000))

    nodes = nodes_of(staff_replay._TAKE, {"replay": replay.pk, "most": PART})

    scans = [node for node in nodes if "Scan" in node["Node Type"]]
    rows = [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans
    ]
    assert sum(rows) <= 2 * 5_000 + 2 * PART
    assert Pick.objects.count() == 4_000


def test_deliveries_that_were_purged_meanwhile_are_passed_over(
    acme: SimpleNamespace, small_parts: None
) -> None:
    _, replay = begun(acme)
    Delivery.objects.dead().delete()

    go_on(seconds=10)

    assert figures(replay) == ("done", 5, 5, 2)


def test_a_list_of_one_tenant_replays_nothing_of_another(acme: SimpleNamespace) -> None:
    dead_letters(acme, 2)
    other = make_delivery(make_endpoint(make_organization(name="Rival")), status="dead_letter")
    browser = administrator()

    press(browser, browser.get(f"{DEAD_LETTERS}replay/?tenant={acme.organization.pk}"))

    other.refresh_from_db()
    assert other.status == "dead_letter"
    assert figures(StaffReplay.objects.get()) == ("done", 2, 2, 2)

"""The dead letters by endpoint and cause: one line for all that died of the same thing, and what to do with it."""

from types import SimpleNamespace

import pytest

from deliveries import causes
from deliveries.models import Delivery, Endpoint
from deliveries.picked import StaffReplay
from organizations import admin_lists
from organizations.patience import TookTooLong
from tests.factories import ago, make_delivery, make_endpoint
from tests.staff import administrator, log_in, press, viewer, words

DEAD_LETTERS = "/admin/deliveries/deadletter/"
CAUSES = f"{DEAD_LETTERS}causes/"


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    """With two dead letters of 503 and one of a time-out."""
    endpoint = make_endpoint(acme.organization, url="https://hooks.acme.example/in?token=hunter2")
    for code, error in [(503, "The receiver answered 503.")] * 2 + [(None, "No whole answer within 15 s.")]:
        make_delivery(
            endpoint,
            status="dead_letter",
            last_status_code=code,
            last_error=error,
            settled_at=ago(minutes=90),
        )
    return endpoint


def test_a_line_for_each_endpoint_and_cause(endpoint: Endpoint) -> None:
    page = administrator().get(CAUSES)

    read = words(page)
    assert "3 dead letters in 2 groups." in read
    assert (
        "503 Service Unavailable https://hooks.acme.example/in Acme 2 1 hour ago 1 hour ago"
        " Replay… Discard… Show these No whole answer in time. https://hooks.acme.example/in Acme 1" in read
    )
    assert "hunter2" not in page.content.decode()


def test_it_is_reached_from_the_list_and_back_with_the_same_filters(endpoint: Endpoint) -> None:
    browser = administrator()
    query = f"?tenant={endpoint.organization_id}&kind=timeout"

    here = browser.get(f"{DEAD_LETTERS}{query}&p=1&code=")
    there = browser.get(f"{CAUSES}{query}")

    assert here.context["causes_url"] == f"{CAUSES}{query}"
    assert there.context["one_by_one_url"] == f"{DEAD_LETTERS}{query}"
    assert [line.cause for line in there.context["cl"].result_list] == ["No whole answer in time."]


def test_show_these_shows_just_these(endpoint: Endpoint) -> None:
    browser = administrator()
    for line in browser.get(CAUSES).context["cl"].result_list:
        page = browser.get(f"{DEAD_LETTERS}{line.these}")

        assert page.context["cl"].result_count == line.group.number
        shown = {(row.endpoint_id, row.last_status_code) for row in page.context["cl"].result_list}
        assert shown == {(endpoint.pk, 503 if line.group.number == 2 else None)}


def test_a_group_is_replayed_and_nothing_else(endpoint: Endpoint) -> None:
    browser = administrator()
    (line, _) = browser.get(CAUSES).context["cl"].result_list

    asked = browser.get(f"{DEAD_LETTERS}replay/{line.these}")
    assert "Replay 2 dead letters to 1 endpoint?" in words(asked)
    page = press(browser, asked)

    assert "cause: 503 Service Unavailable" in words(page)
    left = Delivery.objects.dead().values_list("last_error", flat=True)
    assert list(left) == ["No whole answer within 15 s."]


@pytest.mark.parametrize(("kind", "number"), [("5xx", 2), ("timeout", 1), ("tls", 0), ("nonsense", 0)])
def test_the_list_is_narrowed_down_by_the_kind_of_failure(endpoint: Endpoint, kind: str, number: int) -> None:
    page = administrator().get(f"{DEAD_LETTERS}?kind={kind}")

    assert page.context["cl"].result_count == number


def test_without_dead_letters_it_says_so(acme: SimpleNamespace) -> None:
    browser = administrator()

    assert "No dead letters: nothing has been given up." in words(browser.get(CAUSES))
    assert "Nothing fits this search and these filters." in words(browser.get(f"{CAUSES}?kind=tls"))


def test_who_may_only_look_is_offered_nothing(endpoint: Endpoint) -> None:
    page = viewer().get(CAUSES)

    assert "503 Service Unavailable" in words(page)
    assert "Replay…" not in words(page)
    assert "Discard…" not in words(page)
    assert log_in().get(CAUSES).status_code == 403
    assert administrator().post(CAUSES).status_code == 405


def test_an_address_that_makes_no_sense_leads_to_all(endpoint: Endpoint) -> None:
    assert administrator().get(f"{CAUSES}?nonsense=1")["Location"] == CAUSES


def test_of_too_many_groups_the_largest_are_shown(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "_GROUPS", causes._GROUPS.replace("LIMIT 100", "LIMIT 1"))

    page = administrator().get(CAUSES)

    assert "3 dead letters in 2 groups. These are the 1 largest" in words(page)
    assert [line.group.number for line in page.context["cl"].result_list] == [2]


def test_the_button_names_the_number_even_where_the_list_stopped_counting(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_lists, "MOST_COUNTED", 2)

    page = administrator().get(DEAD_LETTERS)

    assert str(page.context["cl"].result_count) == "2+"
    assert "Replay all 3…" in words(page)


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_a_list_that_took_too_long_is_still_asked_about(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def gives_up(_: object) -> int:
        raise TookTooLong

    monkeypatch.setattr(admin_lists.BoundedPaginator, "count", property(gives_up))

    page = administrator().get(f"{DEAD_LETTERS}{verb}/?kind=5xx")

    assert f"{verb.capitalize()} 2 dead letters" in words(page)


def test_what_runs_is_found_on_the_list(endpoint: Endpoint) -> None:
    running = StaffReplay.objects.create(picked=5_000, looked_at=20, which="all", as_of=ago(days=1))
    StaffReplay.objects.create(
        picked=7, which="all", as_of=ago(days=1), state="done", finished_at=ago(hours=1)
    )

    page = administrator().get(DEAD_LETTERS)

    assert "Replaying 5,000 deliveries" in words(page)
    assert 'id="under-way" data-live="5"' in page.content.decode()
    assert str(running.pk) in page.content.decode()
    assert "7 deliveries" not in words(page)

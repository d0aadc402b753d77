"""Another URL for the endpoint on the way of a replay: in one transaction, for those who may change endpoints."""

from types import SimpleNamespace

import pytest

from deliveries.models import Delivery, Endpoint
from organizations.models import AuditEntry
from tests.deliveries.test_admin_replay import DEAD_LETTERS, DELIVERIES, dead_letters, statuses
from tests.factories import make_delivery, make_endpoint
from tests.staff import administrator, log_in, press, words

OLD, NEW = "https://hooks.acme.example/in?token=hunter2", "http://93.184.215.14/new?token=hunter3"
SUPPORT = ("deliveries.view_delivery", "deliveries.change_delivery")


def urls() -> list[str]:
    return list(Endpoint.objects.order_by("pk").values_list("url", flat=True))


def recorded() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_one_goes_to_the_new_url(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    asked = browser.get(f"{DELIVERIES}{delivery.pk}/replay/")
    assert "Send to another URL from now on" in words(asked)
    assert "hunter2" not in asked.content.decode()

    press(browser, asked, url=f" {NEW} ")

    assert urls() == [NEW]
    assert statuses() == ["pending"]
    assert recorded() == ["endpoint.url_changed", "delivery.replayed"]
    entry = AuditEntry.objects.get(action="endpoint.url_changed")
    assert entry.before == {"url": "https://hooks.acme.example/in", "query": "(not shown)"}
    assert entry.after == {"url": "http://93.184.215.14/new", "query": "(not shown)"}


def test_all_that_a_list_shows_go_to_the_new_url(acme: SimpleNamespace) -> None:
    dead_letters(acme, 3)
    browser = administrator()

    page = press(browser, browser.get(f"{DEAD_LETTERS}replay/"), url=NEW)

    assert "Being sent again 3 deliveries" in words(page)
    assert (urls(), statuses()) == ([NEW], ["pending"] * 3)
    assert recorded() == ["endpoint.url_changed", "deliveries.replayed"]


def test_without_one_the_url_stays(acme: SimpleNamespace) -> None:
    dead_letters(acme, 1)
    browser = administrator()

    press(browser, browser.get(f"{DEAD_LETTERS}replay/"), url="")

    assert urls() == [OLD]
    assert recorded() == ["deliveries.replayed"]


def test_what_goes_to_several_endpoints_is_not_offered_one(acme: SimpleNamespace) -> None:
    dead_letters(acme, 1)
    make_delivery(make_endpoint(acme.organization), status="dead_letter")

    assert "another URL" not in words(administrator().get(f"{DEAD_LETTERS}replay/"))


def test_what_came_to_another_endpoint_since_is_not_swept_along(acme: SimpleNamespace) -> None:
    dead_letters(acme, 1)
    browser = administrator()
    asked = browser.get(f"{DEAD_LETTERS}replay/")
    other = make_delivery(
        make_endpoint(acme.organization), status="dead_letter", settled_at="2026-01-01T00:00Z"
    )

    press(browser, asked, url=NEW)

    assert [dead.pk for dead in Delivery.objects.dead()] == [other.pk]


@pytest.mark.parametrize("state", ["enabled", "paused"])
def test_the_state_stays(acme: SimpleNamespace, state: str) -> None:
    (delivery,) = dead_letters(acme, 1)
    Endpoint.objects.update(state=state)
    browser = administrator()

    press(browser, browser.get(f"{DELIVERIES}{delivery.pk}/replay/"), url=NEW)

    assert Endpoint.objects.get().state == state


def test_what_was_disabled_because_of_the_url_before_is_enabled(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    Endpoint.objects.all().disable("It answered 410.")
    browser = administrator()
    asked = browser.get(f"{DELIVERIES}{delivery.pk}/replay/")
    assert "It is disabled, and will be enabled." in words(asked)

    press(browser, asked, url=NEW)

    endpoint = Endpoint.objects.get()
    assert (endpoint.state, endpoint.disabled_reason) == ("enabled", "")
    after = AuditEntry.objects.get(action="endpoint.url_changed").after
    assert after["state"] == "enabled"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://10.0.0.1/", "10.0.0.1 is, or resolves to, an address that is not public."),
        ("ftp://a.example/", "A URL must begin with http:// or https:// and name a host."),
        ("https://" + "a" * 2050, "A URL may have 2048 characters."),
    ],
)
def test_a_url_that_may_not_be_set_moves_nothing(acme: SimpleNamespace, url: str, fault: str) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()

    for path in (f"{DEAD_LETTERS}replay/", f"{DELIVERIES}{delivery.pk}/replay/"):
        assert fault in words(press(browser, browser.get(path), url=url))

    assert (urls(), statuses(), recorded()) == ([OLD], ["dead_letter"], [])


def test_with_nothing_to_replay_the_url_stays(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = administrator()
    pages = [browser.get(path) for path in (f"{DEAD_LETTERS}replay/", f"{DELIVERIES}{delivery.pk}/replay/")]
    Delivery.objects.update(status="delivered")

    for asked in pages:
        assert "Nothing was replayed" in words(press(browser, asked, url=NEW))

    assert (urls(), recorded()) == ([OLD], [])


def test_pressing_twice_changes_it_once(acme: SimpleNamespace) -> None:
    dead_letters(acme, 1)
    browser = administrator()
    asked = browser.get(f"{DEAD_LETTERS}replay/")

    for _ in range(2):
        press(browser, asked, url=NEW)

    assert Endpoint.objects.get().revision == 2
    assert recorded() == ["endpoint.url_changed", "deliveries.replayed"]


def test_support_neither_sees_the_field_nor_may_use_it(acme: SimpleNamespace) -> None:
    (delivery,) = dead_letters(acme, 1)
    browser = log_in(*SUPPORT)
    for path in (f"{DEAD_LETTERS}replay/", f"{DELIVERIES}{delivery.pk}/replay/"):
        asked = browser.get(path)
        assert "another URL" not in words(asked)

        assert press(browser, asked, url=NEW, url_of=str(delivery.endpoint_id)).status_code == 403

    assert (urls(), statuses(), recorded()) == ([OLD], ["dead_letter"], [])

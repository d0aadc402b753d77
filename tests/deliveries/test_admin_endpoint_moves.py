"""The admin gives an endpoint a new secret, or another URL: asked first, done once, written down, and never shown."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from deliveries import admin_endpoint_moves
from deliveries.endpoints import current_secret
from deliveries.models import Endpoint, EndpointSecret
from organizations.models import AuditEntry
from tests.factories import ahead, make_delivery, make_endpoint
from tests.staff import administrator, log_in, logged, words

ENDPOINTS = "/admin/deliveries/endpoint/"
MOVED = "http://93.184.215.14/moved?token=hunter3"


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization, url="http://93.184.215.14/in?token=hunter2")


def page_for(endpoint: Endpoint, verb: str) -> str:
    return f"{ENDPOINTS}{endpoint.pk}/{verb}/"


def seen(endpoint: Endpoint) -> str:
    return str(Endpoint.objects.get(pk=endpoint.pk).revision)


def test_a_secret_is_rotated_and_not_shown(endpoint: Endpoint) -> None:
    old = current_secret(endpoint)
    browser = administrator()

    asked = words(browser.get(page_for(endpoint, "rotate")))
    assert "Give this endpoint a new signing secret?" in asked
    assert f"GET /api/endpoints/{endpoint.pk}/secret" in asked
    data = {"hours": "48", "seen": seen(endpoint)}
    page = browser.post(page_for(endpoint, "rotate"), data, follow=True)

    new = current_secret(endpoint)
    assert new != old
    assert "It has a new signing secret, which its tenant reads through the API." in words(page)
    assert not any(secret in page.content.decode() for secret in (old, new))
    until = EndpointSecret.objects.get(valid_until__isnull=False).valid_until
    assert ahead(hours=47) < until < ahead(hours=49)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before, entry.after) == ("endpoint.secret_rotated", {}, {"overlap_hours": 48})


def test_a_secret_that_was_stolen_is_worth_nothing_at_once(endpoint: Endpoint) -> None:
    administrator().post(page_for(endpoint, "rotate"), {"hours": "0", "seen": seen(endpoint)})
    assert EndpointSecret.objects.filter(valid_until__gt=ahead(seconds=1)).count() == 0


@pytest.mark.parametrize("hours", ["", "-1", "169", "1.5", "x", "²"])
def test_an_overlap_that_is_none_is_refused(endpoint: Endpoint, hours: str) -> None:
    data = {"hours": hours, "seen": seen(endpoint)}
    page = administrator().post(page_for(endpoint, "rotate"), data)
    assert "Write a number from 0 to 168." in words(page)
    assert (EndpointSecret.objects.count(), logged()) == (1, [])


@pytest.mark.parametrize(
    ("verb", "fields"), [("rotate", {"hours": "24"}), ("url", {"url": MOVED}), ("traceparent", {})]
)
def test_pressed_twice_is_done_once(endpoint: Endpoint, verb: str, fields: dict[str, str]) -> None:
    browser, data = administrator(), {**fields, "seen": seen(endpoint)}
    browser.post(page_for(endpoint, verb), data)
    page = browser.post(page_for(endpoint, verb), data, follow=True)
    assert "Nothing was changed: it was done already" in words(page)
    assert (len(logged()), seen(endpoint)) == (1, "2")


def test_another_url_is_for_what_is_sent_from_now_on(endpoint: Endpoint) -> None:
    Endpoint.objects.update(circuit="open", probe_at=ahead(minutes=5))
    make_delivery(endpoint)
    browser = administrator()

    asked = words(browser.get(page_for(endpoint, "url")))
    assert "1 delivery waits for it and will be sent to the new URL" in asked
    page = browser.post(page_for(endpoint, "url"), {"url": f" {MOVED} ", "seen": seen(endpoint)}, follow=True)

    assert "What is sent from now on goes to the new URL." in words(page)
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.circuit) == (MOVED, "closed")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_words) == ("endpoint.url_changed", "http://93.184.215.14/moved")
    assert entry.before == {"url": "http://93.184.215.14/in", "query": "(not shown)"}
    assert entry.after == {"url": "http://93.184.215.14/moved", "query": "(not shown)"}
    assert "hunter" not in page.content.decode()


def test_traces_are_passed_on_and_then_no_more(endpoint: Endpoint) -> None:
    browser, page = administrator(), page_for(endpoint, "traceparent")
    assert "Pass traces on to this endpoint?" in words(browser.get(page))
    done = browser.post(page, {"seen": seen(endpoint)}, follow=True)
    assert "What is sent from now on carries the header traceparent." in words(done)
    assert Endpoint.objects.get().send_traceparent

    assert "Pass no more traces on to it?" in words(browser.get(page))
    browser.post(page, {"seen": seen(endpoint)})
    assert not Endpoint.objects.get().send_traceparent
    newest, first = AuditEntry.objects.order_by("-pk")
    assert (first.before, first.after) == ({"send_traceparent": False}, {"send_traceparent": True})
    assert (newest.action, newest.after) == ("endpoint.traceparent_changed", {"send_traceparent": False})


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "A URL must begin with http:// or https://"),
        ("ftp://93.184.215.14/", "A URL must begin with http:// or https://"),
        ("http://10.0.0.1/in", "10.0.0.1 is, or resolves to, an address that is not public."),
        ("http://u:p@93.184.215.14/", "A URL may not hold a user name or a password."),
    ],
)
def test_a_url_that_the_api_refuses_is_refused_here(endpoint: Endpoint, url: str, fault: str) -> None:
    page = administrator().post(page_for(endpoint, "url"), {"url": url, "seen": seen(endpoint)})
    assert fault in words(page)
    assert (Endpoint.objects.get().url, logged()) == (endpoint.url, [])


@pytest.fixture
def committed_browser(committed_acme: SimpleNamespace) -> Iterator[Client]:
    """Of somebody whom the database has really heard of, and forgets again."""
    yield administrator()
    Session.objects.all().delete()
    User.objects.all().delete()


def test_the_dns_is_asked_outside_of_any_transaction(
    committed_acme: SimpleNamespace, committed_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take three seconds."""
    endpoint = make_endpoint(committed_acme.organization)
    inside: list[bool] = []
    monkeypatch.setattr(
        admin_endpoint_moves, "check_target", lambda _: inside.append(connection.in_atomic_block)
    )
    committed_browser.post(page_for(endpoint, "url"), {"url": MOVED, "seen": "1"})
    endpoint.refresh_from_db()
    assert (inside, endpoint.url) == ([False], MOVED)


@pytest.mark.parametrize("verb", ["rotate", "url", "test"])
def test_support_looks(endpoint: Endpoint, verb: str) -> None:
    browser = log_in("deliveries.view_endpoint", "deliveries.view_delivery", "deliveries.change_delivery")
    data = {"hours": "1", "url": MOVED, "seen": seen(endpoint)}
    assert browser.get(page_for(endpoint, verb)).status_code == 403
    assert browser.post(page_for(endpoint, verb), data).status_code == 403
    assert (seen(endpoint), logged()) == ("1", [])

"""The admin's endpoints: how they are doing, pausing and resuming; never a secret."""

import re
from types import SimpleNamespace

import pytest

from deliveries.endpoints import change_endpoint, current_secret
from deliveries.models import Endpoint, EndpointSecret
from tests.deliveries.figures_written import write_figures
from tests.factories import ago, ahead, make_delivery, make_endpoint
from tests.staff import administrator, log_in, logged, press, viewer, words

ENDPOINTS = "/admin/deliveries/endpoint/"
VERBS = ("pause", "resume", "rotate", "url", "replay", "test")


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(
        acme.organization,
        url="https://hooks.acme.example/in?token=hunter2",
        consecutive_failures=17,
        last_failure_at=ago(minutes=4),
    )


def state(endpoint: Endpoint) -> str:
    endpoint.refresh_from_db()
    return endpoint.state


def shown(path: str) -> set[str]:
    return {endpoint.url for endpoint in administrator().get(path).context["cl"].result_list}


def test_an_endpoint_in_the_list(endpoint: Endpoint) -> None:
    write_figures(endpoint, delivered=8, failed=2)
    make_delivery(endpoint)
    make_delivery(endpoint, status="failed")
    page = administrator().get(ENDPOINTS)

    assert "https://hooks.acme.example/in Acme Enabled 80.0 % 2 17 never 4 minutes ago" in words(page)


def test_a_circuit_that_is_not_closed_is_shown(endpoint: Endpoint) -> None:
    Endpoint.objects.update(circuit="open", probe_at=ahead(minutes=5, seconds=29))
    staff = administrator()
    assert "Acme Enabled Circuit open – 0 17 never" in words(staff.get(ENDPOINTS))
    page = words(staff.get(f"{ENDPOINTS}{endpoint.pk}/change/"))
    # Ten seconds and more for who makes the page on a busy machine.
    told = r"Circuit is open: next try in 3[012]\d s After 17 failures in a row, one delivery at a time"
    assert re.search(told, page)


def test_pace_and_names_of_headers_are_shown_but_no_value(endpoint: Endpoint) -> None:
    change_endpoint(endpoint, {"max_per_second": 5, "headers": {"Authorization": "Bearer hunter3"}})
    page = words(administrator().get(f"{ENDPOINTS}{endpoint.pk}/change/"))
    assert "Pace at most 5 a second Headers of its own Authorization Their values are not shown." in page
    assert "hunter3" not in page


def test_headers_that_can_not_be_read_are_said_to_be_so(endpoint: Endpoint) -> None:
    Endpoint.objects.update(encrypted_headers="garbage")
    page = words(administrator().get(f"{ENDPOINTS}{endpoint.pk}/change/"))
    assert "They can't be read: FIELD_ENCRYPTION_KEYS lacks their key." in page


def test_endpoints_by_state_tenant_and_search(endpoint: Endpoint, rival: SimpleNamespace) -> None:
    make_endpoint(rival.organization, url="https://rival.example/a", state="paused")
    make_endpoint(rival.organization, url="https://rival.example/b", deleted_at=ago(days=1))

    assert shown(f"{ENDPOINTS}?state=enabled") == {endpoint.url}
    assert shown(f"{ENDPOINTS}?state=paused") == {"https://rival.example/a"}
    assert shown(f"{ENDPOINTS}?state=deleted") == {"https://rival.example/b"}
    assert shown(f"{ENDPOINTS}?tenant={endpoint.organization_id}") == {endpoint.url}
    for term in ("hooks.acme", "Acme", str(endpoint.pk)):
        assert shown(f"{ENDPOINTS}?q={term}") == {endpoint.url}, term


def test_no_page_shows_a_secret_or_a_query(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, status="dead_letter")
    secret, encrypted = current_secret(endpoint), EndpointSecret.objects.get().encrypted
    browser = administrator()
    press(browser, browser.get(f"{ENDPOINTS}{endpoint.pk}/pause/"))
    paths = [
        ENDPOINTS,
        *(f"{ENDPOINTS}{endpoint.pk}/{page}/" for page in ("change", "history", *VERBS)),
        "/admin/autocomplete/?app_label=deliveries&model_name=delivery&field_name=endpoint&term=acme",
        f"/admin/deliveries/deadletter/?endpoint={endpoint.pk}",
        f"/admin/deliveries/delivery/{delivery.pk}/change/",
        f"/admin/deliveries/delivery/{delivery.pk}/replay/",
        f"/admin/events/event/{delivery.event_id}/change/",
        f"/admin/events/event/{delivery.event_id}/replay/",
        f"/admin/organizations/organization/{endpoint.organization_id}/change/",
        "/admin/",
    ]

    for path in paths:
        page = browser.get(path)
        content = page.content.decode()
        assert page.status_code == 200, path
        assert not any(hidden in content for hidden in (secret, encrypted, "whsec_", "hunter2")), path


def test_an_endpoint_is_paused_once_it_was_asked(endpoint: Endpoint) -> None:
    make_delivery(endpoint)
    browser = administrator()

    asked = browser.get(f"{ENDPOINTS}{endpoint.pk}/pause/")
    assert "Pause this endpoint?" in words(asked)
    assert "To be sent there 1 delivery" in words(asked)
    assert state(endpoint) == "enabled"
    page = press(browser, asked)

    assert "The endpoint is paused." in words(page)
    assert state(endpoint) == "paused"
    assert logged() == [("https://hooks.acme.example/in", "endpoint.paused")]


def test_an_endpoint_is_resumed_once_it_was_asked(endpoint: Endpoint) -> None:
    Endpoint.objects.update(state="disabled", disabled_reason="The receiver answered 410 Gone.")
    make_delivery(endpoint, status="failed", next_attempt_at=ahead(hours=1))
    browser = administrator()

    asked = browser.get(f"{ENDPOINTS}{endpoint.pk}/resume/")
    assert "1 delivery waits for it and will be sent as they fall due." in words(asked)
    assert "Disabled The receiver answered 410 Gone." in words(asked)
    assert state(endpoint) == "disabled"
    page = press(browser, asked)

    assert "The endpoint is resumed." in words(page)
    assert state(endpoint) == "enabled"
    assert logged() == [("https://hooks.acme.example/in", "endpoint.resumed")]


def test_what_is_so_already_is_not_logged(endpoint: Endpoint) -> None:
    browser = administrator()

    asked = browser.get(f"{ENDPOINTS}{endpoint.pk}/resume/")
    assert "It is enabled: there is nothing to resume." in words(asked)
    assert asked.context["button"] == ""

    assert "It was resumed already." in words(press(browser, asked))
    assert logged() == []


def test_a_deleted_endpoint_is_neither_paused_nor_resumed(endpoint: Endpoint) -> None:
    Endpoint.objects.update(deleted_at=ago(days=1))
    browser = administrator()

    page = browser.get(f"{ENDPOINTS}{endpoint.pk}/change/")

    assert "Deleted 1 day ago" in words(page)
    assert "Pause…" not in words(page)
    assert browser.post(f"{ENDPOINTS}{endpoint.pk}/pause/").status_code == 404
    assert state(endpoint) == "enabled"


def test_who_may_only_look_moves_no_endpoint(endpoint: Endpoint) -> None:
    browser = viewer()

    assert "Pause…" not in words(browser.get(f"{ENDPOINTS}{endpoint.pk}/change/"))
    assert browser.get(f"{ENDPOINTS}{endpoint.pk}/pause/").status_code == 403
    assert browser.post(f"{ENDPOINTS}{endpoint.pk}/pause/").status_code == 403
    assert state(endpoint) == "enabled"
    assert logged() == []


def test_who_may_replay_need_not_be_allowed_to_pause(endpoint: Endpoint) -> None:
    browser = log_in("deliveries.change_delivery")

    assert browser.post(f"{ENDPOINTS}{endpoint.pk}/pause/").status_code == 403
    assert state(endpoint) == "enabled"


def test_a_form_of_another_site_moves_no_endpoint(endpoint: Endpoint) -> None:
    browser = administrator(enforce_csrf_checks=True)

    assert browser.post(f"{ENDPOINTS}{endpoint.pk}/pause/").status_code == 403
    assert state(endpoint) == "enabled"


def test_endpoints_are_not_edited_added_or_deleted_here(endpoint: Endpoint) -> None:
    browser = administrator()

    assert (
        browser.post(f"{ENDPOINTS}{endpoint.pk}/change/", {"url": "https://evil.example"}).status_code == 405
    )
    assert browser.post(f"{ENDPOINTS}add/", {"url": "https://evil.example"}).status_code == 403
    assert browser.post(f"{ENDPOINTS}{endpoint.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(Endpoint.objects.values_list("url", flat=True)) == [endpoint.url]

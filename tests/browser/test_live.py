"""Figures renew themselves where they stand, and say so when they can't. The page's clock is the test's."""

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.test_journeys import many_dead_letters, status_of
from tests.flows.journey import Journey, until

COUNTED = "window.freshened = 0; document.addEventListener('desk:fresh', () => { window.freshened += 1 })"
OLD = "These figures are of"


def opened(desk: Desk, path: str) -> Page:
    """A page whose clock stands still."""
    desk.page.clock.install()
    desk.go(path)
    desk.page.evaluate(COUNTED)
    return desk.page


def renewed(page: Page) -> None:
    """Returns after the next time."""
    before = page.evaluate("window.freshened")
    page.clock.fast_forward(15_000)
    page.wait_for_function("before => window.freshened > before", arg=before)


def test_what_becomes_of_an_event_is_seen_without_losing_ones_place(desk: Desk, tenant: Journey) -> None:
    tenant.call("POST", f"/api/endpoints/{tenant.endpoint_id}/pause")
    event_id = tenant.post(order=4711)
    page = opened(desk, f"events/event/{event_id}/change/")
    page.set_viewport_size({"width": 390, "height": 400})
    page.evaluate("window.scrollTo(0, 120)")
    tenant.call("POST", f"/api/endpoints/{tenant.endpoint_id}/resume")
    until(lambda: status_of(tenant, event_id) == "delivered", timeout=30, what="its delivery")

    renewed(page)

    expect(page.get_by_text("Delivered", exact=True).first).to_be_visible()
    assert page.evaluate("window.scrollY") == 120
    assert OLD not in desk.words  # nor does it say that it stands still, now that nothing more will come


def test_what_somebody_opened_or_closed_stays_so(desk: Desk, tenant: Journey) -> None:
    tenant.receiver.behave(tenant.name, status=503)
    event_id = tenant.post(order=4711)
    until(lambda: len(tenant.arrivals()) >= 1, timeout=30, what="an attempt")
    tenant.call("POST", f"/api/endpoints/{tenant.endpoint_id}/pause")
    page = opened(desk, f"events/event/{event_id}/change/")
    attempt = page.locator("details.attempt").first
    attempt.locator("summary").first.click()
    page.evaluate("document.activeElement.blur()")

    renewed(page)

    expect(attempt).to_have_attribute("open", "")


def test_the_focus_stays_where_it_was(desk: Desk) -> None:
    page = opened(desk, "")
    link = page.locator("#overview a").first
    link.focus()

    renewed(page)

    expect(link).to_be_focused()


def test_what_somebody_has_marked_is_left_alone(desk: Desk) -> None:
    page = opened(desk, "")
    page.evaluate("document.getSelection().selectAllChildren(document.querySelector('#overview dl'))")

    page.clock.fast_forward(15_000)
    page.wait_for_load_state("networkidle")

    assert not page.evaluate("document.getSelection().isCollapsed")
    assert page.evaluate("window.freshened") == 0


def test_figures_say_that_they_are_old_while_the_server_is_away(desk: Desk) -> None:
    page = opened(desk, "")
    note = page.get_by_role("alert").filter(has_text="The server does not answer.")
    page.route("**/admin/", lambda route: route.abort())

    page.clock.fast_forward(15_000)
    expect(note).to_be_visible()
    page.unroute("**/admin/")
    renewed(page)

    expect(note).to_have_count(0)
    desk.complaints.clear()  # of the answer that did not come


def test_who_is_logged_out_is_told_so(desk: Desk) -> None:
    page = opened(desk, "")
    page.context.clear_cookies()

    page.clock.fast_forward(15_000)

    expect(page.get_by_role("alert").filter(has_text="You may have to log in again.")).to_be_visible()


def test_a_replay_that_is_done_stands_still_and_says_nothing_of_it(desk: Desk, tenant: Journey) -> None:
    many_dead_letters(tenant, 10)
    desk.go(f"deliveries/deadletter/?endpoint={tenant.endpoint_id}")
    desk.press("Replay all")
    page = desk.page
    page.clock.install()
    desk.press("Replay 10 dead letters")
    replay = page.url
    done = "SELECT count(*) FROM deliveries_staffreplay WHERE state = 'running'"
    until(lambda: tenant.sql(done) == [(0,)], timeout=30, what="its end")

    page.clock.fast_forward(15_000)

    expect(page.get_by_text("Done", exact=True).first).to_be_visible()
    page.clock.fast_forward(15_000)
    assert OLD not in desk.words
    assert page.url == replay

"""Every page of the desk in a real browser: usable with a screen reader, in light and dark, wide and narrow."""

import re
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ViewportSize

from tests.admin_doors import DOORS, NOBODY
from tests.browser.desk import NARROW, WIDE, Desk
from tests.browser.pages import PAGES, Where, path_of
from tests.browser.test_journeys import dead_letter
from tests.flows.journey import Journey
from triggers_project.local.stack import Stack

# Django's own and django-celery-beat's, within our frame; what comes after a form; what a script asks.
NOT_OURS = re.compile(
    r"/(add|history|delete)/$|^deliveries/delivery/replay/$|^login|^logout|_done|/done/|^autocomplete|^jsi18n"
    r"|(interval|crontab|clocked|solar)schedule"
)
AXE = Axe()
# A page is loaded once, and looked at in both ways: to load it again, with axe, is a fifth of the work.
LOOKS: list[tuple[Literal["light", "dark"], ViewportSize]] = [("light", WIDE), ("dark", NARROW)]
# Else axe would see colours that are half way from one look to the other.
AT_ONCE = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*, *::before, *::after { transition: none !important }");
    document.adoptedStyleSheets.push(sheet);
}"""


@pytest.fixture
def where(tenant: Journey) -> Where:
    """A dead letter, and what belongs to it."""
    return Where.of(tenant, dead_letter(tenant))


def test_none_of_our_pages_is_forgotten() -> None:
    doors = {route for route, door in DOORS.items() if door.get != NOBODY and 200 in door.statuses}
    pages = {re.sub(r"{\w+}", "*", path).partition("?")[0] for path in PAGES.values()}

    assert {re.sub(r"<[^>]+>", "*", route) for route in doors if not NOT_OURS.search(route)} == pages


def test_every_page_fits_its_window_and_axe_finds_nothing_serious(
    browser: Browser, stack: Stack, cookies: Any, where: Where
) -> None:
    with Desk.opened(browser, stack.url, storage_state=cookies) as desk:
        faults = [f"{name}, {fault}" for name in PAGES for fault in faults_of(desk, path_of(name, where))]

    assert not faults, "\n".join(faults)


def faults_of(desk: Desk, path: str) -> list[str]:
    """In each look; it is said in which."""
    desk.go(path)
    desk.page.evaluate(AT_ONCE)
    faults = []
    for theme, size in LOOKS:
        desk.page.emulate_media(color_scheme=theme)
        desk.page.set_viewport_size(size)
        found = too_wide(desk)
        with desk.unheard():  # axe writes styles of its own into the page, which our policy refuses
            found += axe_on(desk)
        faults += [f"{theme}: {fault}" for fault in found]
    return faults


def too_wide(desk: Desk) -> list[str]:
    width = desk.page.evaluate("document.documentElement.scrollWidth")
    room = desk.page.evaluate("window.innerWidth")
    return [f"{width} px wide in {room}"] if width > room else []


def axe_on(desk: Desk) -> list[str]:
    if not desk.page.evaluate("'axe' in window"):
        desk.page.evaluate(AXE.axe_script)
    violations: list[dict[str, Any]] = desk.page.evaluate("axe.run().then(found => found.violations)")
    return [
        f"{fault['id']}: {node['html'][:150]}"
        for fault in violations
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]

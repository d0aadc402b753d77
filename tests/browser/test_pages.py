"""Every page of the desk, in a real browser: usable by keyboard and screen reader, in light and dark, wide and narrow."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.desk import NARROW, WIDE, Desk
from tests.browser.pages import PAGES, Where, path_of
from tests.browser.test_journeys import dead_letter
from tests.flows.journey import Journey
from triggers_project.local.stack import Stack

LOOKS = [("light", WIDE), ("dark", NARROW)]


@pytest.fixture(params=LOOKS, ids=["light and wide", "dark and narrow"])
def look(request: pytest.FixtureRequest, browser: Browser, stack: Stack, password: str) -> Iterator[Desk]:
    theme, size = request.param
    with Desk.opened(browser, stack.url, color_scheme=theme, viewport=size) as desk:
        desk.log_in("ada", password)
        yield desk


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_window(look: Desk, tenant: Journey) -> None:
    where = somewhere(tenant)

    faults = [f"{name}: {fault}" for name in PAGES for fault in faults_of(look, path_of(name, where))]

    assert not faults, "\n".join(faults)


def somewhere(tenant: Journey) -> Where:
    event = dead_letter(tenant)
    [delivery] = tenant.all_deliveries()
    return Where(tenant.organization_id, tenant.endpoint_id, event, delivery["id"])


def faults_of(desk: Desk, path: str) -> list[str]:
    desk.go(path)
    found: list[dict[str, Any]] = Axe().run(desk.page).response["violations"]
    faults = [
        f"{fault['id']}: {node['html'][:150]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
    width = desk.page.evaluate("document.documentElement.scrollWidth")
    room = desk.page.evaluate("window.innerWidth")
    return faults + ([f"{width} px wide in {room}"] if width > room else [])

"""The desk in a real browser: Debian's Chromium, against a running system of its own.

A page that says anything on the console, breaks the content security policy, or asks another host fails its test.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.nodes import Item
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.desk import CHROMIUM, Desk
from tests.flows.journey import Journey
from tests.flows.receiver import Receiver
from tests.flows.system import started
from triggers_project.local.stack import Stack


def pytest_collection_modifyitems(items: list[Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(300))
            item.add_marker(
                pytest.mark.skipif(not CHROMIUM, reason="There is no Chromium here: make browser.")
            )


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    with started(fast=True) as stack:
        stack.wait_until_ready(timeout=90)
        yield stack


@pytest.fixture(scope="package")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """While it is there, an event loop runs in this thread: Django's ORM would not work, and no test here needs it."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def password(stack: Stack) -> str:
    """Of ada, who is an owner."""
    made = re.search(r"shown this once: (\S+)", stack.manage("create_staff", "ada", "--role", "owner"))
    assert made
    return made[1]


@pytest.fixture
def tenant(stack: Stack, receiver: Receiver) -> Journey:
    return Journey(stack, receiver)


@pytest.fixture(scope="package")
def logins() -> dict[str, Any]:
    """By name, the cookies of who has logged in."""
    return {}


@pytest.fixture
def cookies(browser: Browser, stack: Stack, password: str, logins: dict[str, Any]) -> Any:
    """Ada's, who logs in once."""
    if "ada" not in logins:
        with Desk.opened(browser, stack.url) as desk:
            logins["ada"] = desk.log_in("ada", password)
    return logins["ada"]


@pytest.fixture
def desk(browser: Browser, stack: Stack, cookies: Any) -> Iterator[Desk]:
    """Ada's, logged in."""
    with Desk.opened(browser, stack.url, storage_state=cookies) as desk:
        desk.go("")
        yield desk

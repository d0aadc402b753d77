"""One person's browser at the desk, and what it complained about."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, Response, ViewportSize

# The first has no window and none of what belongs to one: it needs a fifth less of a CPU.
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None
)
PATIENCE = 15_000  # ms, for whatever is waited for
WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}


class Desk:
    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self._complain("error", str(error)))
        page.on("request", self._same_host)
        page.on("response", self._no_error)

    @classmethod
    @contextmanager
    def opened(cls, browser: Browser, url: str, **options: Any) -> Iterator[Self]:
        """Closed after the block; fails if anything was to be complained about."""
        settings = {"viewport": WIDE, "timezone_id": "Europe/Berlin", "locale": "en-GB", **options}
        context = browser.new_context(**settings)
        try:
            desk = cls(context.new_page(), url)
            yield desk
            assert not desk.complaints, "\n".join(desk.complaints)
        finally:
            context.close()

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """For somebody else's script: what a page complains about in the block is forgotten."""
        before = len(self.complaints)
        yield
        del self.complaints[before:]

    def log_in(self, name: str, password: str) -> Any:
        """The cookies, `storage_state=` of another: more than ten logins in five minutes are refused."""
        self.page.goto(f"{self.url}/admin/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name="Overview").wait_for()
        return self.page.context.storage_state()

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}/admin/{path}")

    def find(self, term: str) -> None:
        """By the search that is on every page, from the keyboard."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(term)
        self.page.keyboard.press("Enter")
        self.page.wait_for_load_state()

    def press(self, name: str) -> None:
        """A link or a button of the page itself that has these words in it."""
        page = self.page.locator("main")
        either = page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name))
        either.first.click()
        self.page.wait_for_load_state()

    @property
    def words(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _same_host(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        if host and host != urlsplit(self.url).netloc:
            self.complaints.append(f"{request.url} is somebody else's")

    def _no_error(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

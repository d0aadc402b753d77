"""`make pictures`: each page of the desk into docs/desk, light and dark, wide and narrow, with data and with none.

It starts a system of its own and ends it. As JPEG: as PNG they would be five times as large.
"""

import random
import re
import shutil
from typing import Any

import psycopg
from playwright.sync_api import Browser, sync_playwright
from tqdm import tqdm

from tests.browser.desk import CHROMIUM, NARROW, WIDE, Desk
from tests.browser.pages import PAGES, Where, path_of
from tests.browser.test_journeys import many_dead_letters, status_of
from tests.flows.journey import Journey, session, until
from tests.flows.receiver import Receiver
from tests.flows.system import started
from triggers_project.local.stack import ROOT, Stack

FOLDER = ROOT / "docs" / "desk"
LIST = """# The desk in pictures

Each page light and dark, wide and narrow. What they are for: [The desk](admin.md). `make pictures` takes them anew.

![The front page: what came in, what became of it, which endpoints fail](desk/overview-week-light-wide.jpg)

| page | light | dark |
|---|---|---|
"""
EMPTY = ("overview", "dead-letters", "events", "endpoints", "replays", "audit-log", "deliveries", "tenants")
UNDER_WAY = ("replay-running", "overview-trouble")
LOOKS = [
    (f"{theme}-{size}", theme, viewport)
    for theme in ("light", "dark")
    for size, viewport in (("wide", WIDE), ("narrow", NARROW))
]
TENANTS = [
    ("Northwind Traders", "pro", 204),
    ("Contoso Pharmaceuticals", "enterprise", 204),
    ("Adventure Works Cycles", "free", 204),
    ("Tailspin Toys", "free", 503),
]
TYPES = ["order.created", "order.paid", "order.shipped", "invoice.sent", "customer.updated"]
EVENTS = 240


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with started(fast=True) as stack, Receiver() as receiver, sync_playwright() as playwright:
        stack.wait_until_ready(timeout=90)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        take(browser, stack, {"login": "login/"})
        ada = logged_in(browser, stack)
        take(browser, stack, {f"{name}-empty": PAGES[name] for name in EMPTY}, ada)
        journeys, where = fill(stack, receiver)
        take(browser, stack, {name: path_of(name, where) for name in PAGES}, ada)
        # Last, for it is on every page that something is wrong.
        replay = stopped_in_the_middle(stack, journeys[1])
        take(browser, stack, dict(zip(UNDER_WAY, (replay, ""), strict=True)), ada)
        browser.close()
    (ROOT / "docs" / "desk.md").write_text(LIST + "".join(map(line, taken())))


def taken() -> list[str]:
    """The pages in their order: with data, with something wrong, with nothing."""
    return [*PAGES, *UNDER_WAY, *(f"{name}-empty" for name in EMPTY), "login"]


def line(name: str) -> str:
    def both(theme: str) -> str:
        return ", ".join(f"[{size}](desk/{name}-{theme}-{size}.jpg)" for size in ("wide", "narrow"))

    return f"| {name.replace('-', ' ')} | {both('light')} | {both('dark')} |\n"


def logged_in(browser: Browser, stack: Stack) -> Any:
    """Ada's cookies. One login for all pictures: who logs in more than ten times in five minutes has to wait."""
    made = re.search(r"shown this once: (\S+)", stack.manage("create_staff", "ada", "--role", "owner"))
    assert made
    with Desk.opened(browser, stack.url) as desk:
        return desk.log_in("ada", made[1])


def take(browser: Browser, stack: Stack, pages: dict[str, str], cookies: Any = None) -> None:
    for look, theme, viewport in LOOKS:
        options = {"color_scheme": theme, "viewport": viewport, "storage_state": cookies}
        with Desk.opened(browser, stack.url, **options) as desk:
            for name, path in tqdm(pages.items(), desc=look, unit="page"):
                desk.go(path)
                desk.page.wait_for_timeout(150)  # the library behind the fields draws them late
                file = FOLDER / f"{name}-{look}.jpg"
                desk.page.screenshot(path=file, type="jpeg", quality=55, full_page=True)


def fill(stack: Stack, receiver: Receiver) -> tuple[list[Journey], Where]:
    """Tenants with events: most delivered, some given up. And a dead letter with what belongs to it."""
    journeys = [Journey(stack, receiver, name=name, tier=tier) for name, tier, _ in TENANTS]
    for journey, (_, _, status) in zip(journeys, TENANTS, strict=True):
        receiver.behave(journey.path, status=status)
    chance = random.Random(7)
    dead = post(journeys[-1], chance, 0)
    # More that failed would open the circuit first.
    until(lambda: status_of(journeys[-1], dead) == "dead_letter", timeout=60, what="a dead letter")
    for number in range(1, EVENTS):
        post(chance.choices(journeys, [12, 8, 4, 1])[0], chance, number)
    history(stack, journeys)
    until(lambda: figures_are_there(stack), timeout=60, what="the figures of all this")
    return journeys, Where.of(journeys[-1], dead)


def post(journey: Journey, chance: random.Random, number: int) -> str:
    """The event's id."""
    payload = {
        "order": {"id": 4711 + number, "total": f"{chance.uniform(5, 500):.2f}", "currency": "EUR"},
        "customer": {"name": "Zoë Müller", "email": "zoe@example.com"},
    }
    body = {"type": chance.choice(TYPES), "payload": payload, "dedup_id": f"order-{4711 + number}"}
    answer = journey.call("POST", "/api/events", body)
    answer.raise_for_status()
    made: str = answer.json()["id"]
    return made


def stopped_in_the_middle(stack: Stack, journey: Journey) -> str:
    """A replay of many with which nobody goes on any more, for the housekeeper is away; the path of its page."""
    many_dead_letters(journey, 60_000)
    stack.manage("replay", "--endpoint", journey.endpoint_id, "--yes", "--no-wait")
    begun = "SELECT id FROM deliveries_staffreplay WHERE state = 'running' AND looked_at > 0"
    until(lambda: journey.sql(begun), timeout=30, what="a replay under way")
    stack.stop_program("housekeeper")
    [[replay]] = journey.sql(begun)
    with session() as http:
        ready = f"{stack.url}/health/ready"
        until(lambda: http.get(ready).status_code == 503, timeout=60, what="its absence is noticed")
    return f"deliveries/staffreplay/{replay}/change/"


def figures_are_there(stack: Stack) -> bool:
    with psycopg.connect(stack.database_url) as database:
        row = database.execute("SELECT max(accepted) FROM events_arrivals WHERE grain = 60").fetchone()
    return bool(row and row[0] and row[0] > EVENTS / 2)


# What would have been counted of the days before, with a bad hour in them: not of what is still being counted.
_HISTORY = """
WITH bucket AS (
    SELECT grain, to_timestamp(floor(extract(epoch FROM now()) / grain) * grain) - n * grain * interval '1 second'
        AS at, n FROM (VALUES (900, 10, 95), (3600, 3, 167)) AS one (grain, least, most),
            generate_series(least, most) AS n
), figured AS (
    SELECT grain, at, (grain / 60 * (14 + 9 * sin(n / 7.0) + (n * 37 %% 11)))::int AS many,
        CASE WHEN n BETWEEN 20 AND 26 THEN 0.4 ELSE 0.015 END AS failing FROM bucket
), arrivals AS (
    INSERT INTO events_arrivals (organization_id, grain, at, accepted)
    SELECT about, grain, at, many FROM figured, unnest(%(abouts)s::uuid[]) AS about
    ON CONFLICT DO NOTHING
)
INSERT INTO deliveries_traffic (about, organization_id, grain, at, attempts, delivered, failed, dead, duration_ms,
    durations, waits)
SELECT about, about, grain, at, many, many - (many * failing)::int, (many * failing)::int, 0, many * 30,
    array_fill(0, ARRAY[3]) || (many * 6 / 10) || (many * 3 / 10) || (many / 10) || array_fill(0, ARRAY[19]),
    array_fill(0, ARRAY[3]) || (many * 5 / 10) || (many * 4 / 10) || (many / 10) || array_fill(0, ARRAY[19])
FROM figured, unnest(%(abouts)s::uuid[]) AS about
ON CONFLICT DO NOTHING
"""


def history(stack: Stack, journeys: list[Journey]) -> None:
    abouts = ["00000000-0000-0000-0000-000000000000", journeys[-1].organization_id]
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute(_HISTORY, {"abouts": abouts})


if __name__ == "__main__":
    main()

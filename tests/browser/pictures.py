"""`make pictures`: each page of the desk into docs/desk, light and dark, wide and narrow, with data and with none.

It starts a system of its own and ends it. As JPEG: as PNG they would be five times as large.
"""

import json
import random
import re
import shutil
from typing import Any

import psycopg
import requests
from playwright.sync_api import Browser, sync_playwright
from tqdm import tqdm

from tests.browser.desk import NARROW, WIDE, Desk
from tests.browser.pages import PAGES, Where, path_of
from tests.flows.journey import session, until
from tests.flows.receiver import SECRET, Receiver
from tests.flows.system import started
from triggers_project.local.stack import ROOT, Stack

FOLDER = ROOT / "docs" / "desk"
EMPTY = ("overview", "dead-letters", "events", "endpoints", "replays")
ASKED = {
    "pause-asked": "deliveries/endpoint/{endpoint}/pause/",
    "rotate-asked": "deliveries/endpoint/{endpoint}/rotate/",
    "url-asked": "deliveries/endpoint/{endpoint}/url/",
    "window-asked": "deliveries/endpoint/{endpoint}/replay/",
    "test-asked": "deliveries/endpoint/{endpoint}/test/",
    "event-replay-asked": "events/event/{event}/replay/",
    "acknowledge-asked": "events/event/{event}/acknowledge/",
    "person": "auth/user/1/change/",
    "roles": "auth/group/",
}
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
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        password = owner(stack)
        take(browser, stack, password, {f"{name}-empty": PAGES[name] for name in EMPTY})
        where = fill(stack, receiver)
        asked = {name: path.format(**vars(where)) for name, path in ASKED.items()}
        # In one go: who logs in more than ten times in five minutes has to wait.
        take(browser, stack, password, {**{name: path_of(name, where) for name in PAGES}, **asked})
        browser.close()


def owner(stack: Stack) -> str:
    """Ada's password."""
    made = re.search(r"shown this once: (\S+)", stack.manage("create_staff", "ada", "--role", "owner"))
    assert made
    return made[1]


def take(browser: Browser, stack: Stack, password: str, pages: dict[str, str]) -> None:
    for look, theme, viewport in LOOKS:
        with Desk.opened(browser, stack.url, color_scheme=theme, viewport=viewport) as desk:
            desk.log_in("ada", password)
            for name, path in tqdm(pages.items(), desc=look, unit="page"):
                desk.go(path)
                desk.page.wait_for_timeout(150)  # the library behind the fields draws them late
                file = FOLDER / f"{name}-{look}.jpg"
                desk.page.screenshot(path=file, type="jpeg", quality=55, full_page=True)


def fill(stack: Stack, receiver: Receiver) -> Where:
    """Tenants with events: most delivered, some given up. The answer: a dead letter and what belongs to it."""
    made = [tenant(stack, receiver, *one) for one in TENANTS]
    chance = random.Random(7)
    with session() as http:
        for number in range(EVENTS):
            one = made[-1] if number == 0 else chance.choices(made, [12, 8, 4, 1])[0]
            payload = {
                "order": {"id": 4711 + number, "total": f"{chance.uniform(5, 500):.2f}", "currency": "EUR"},
                "customer": {"name": "Zoë Müller", "email": "zoe@example.com"},
            }
            body = {"type": chance.choice(TYPES), "payload": payload, "dedup_id": f"order-{4711 + number}"}
            post(http, stack, one["api_key"], "/api/events", body)
            if number == 0:  # more that failed would open the circuit first
                until(lambda: dead_letters(stack, made[-1]), timeout=60, what="a dead letter")
    history(stack, made)
    until(lambda: figures_are_there(stack), timeout=60, what="the figures of all this")
    delivery = dead_letters(stack, made[-1])[0]
    return Where(
        made[-1]["organization"]["id"], delivery["endpoint_id"], delivery["event_id"], delivery["id"]
    )


def dead_letters(stack: Stack, one: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(stack, one["api_key"], "/api/deliveries?status=dead_letter")["items"]
    return found


def tenant(stack: Stack, receiver: Receiver, name: str, tier: str, status: int) -> dict[str, Any]:
    path = name.partition(" ")[0].lower()
    receiver.behave(path, status=status)
    made: dict[str, Any] = json.loads(stack.manage("create_organization", name, "--tier", tier))
    with session() as http:
        config = {"webhook_url": receiver.url(path), "secret": SECRET}
        post(http, stack, made["api_key"], "/api/webhook/config", config)
    return made


def post(http: requests.Session, stack: Stack, key: str, path: str, body: Any) -> Any:
    answer = http.post(stack.url + path, json=body, headers={"X-API-Key": key}, timeout=30)
    answer.raise_for_status()
    return answer.json()


def get(stack: Stack, key: str, path: str) -> Any:
    with session() as http:
        answer = http.get(stack.url + path, headers={"X-API-Key": key}, timeout=30)
        answer.raise_for_status()
        return answer.json()


def figures_are_there(stack: Stack) -> bool:
    with psycopg.connect(stack.database_url) as database:
        row = database.execute("SELECT max(accepted) FROM events_arrivals WHERE grain = 60").fetchone()
    return bool(row and row[0] and row[0] > EVENTS / 2)


# What would have been counted of two days before, with a bad hour in them.
_HISTORY = """
WITH bucket AS (
    SELECT grain, to_timestamp(floor(extract(epoch FROM now()) / grain) * grain) - n * grain * interval '1 second'
        AS at, n FROM (VALUES (60, 59), (900, 95), (3600, 167)) AS one (grain, most), generate_series(1, most) AS n
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


def history(stack: Stack, made: list[dict[str, Any]]) -> None:
    abouts = ["00000000-0000-0000-0000-000000000000", made[-1]["organization"]["id"]]
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute(_HISTORY, {"abouts": abouts})


if __name__ == "__main__":
    main()

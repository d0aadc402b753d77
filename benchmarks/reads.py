"""How long do lists and pages take with so much stored?

`python -m benchmarks.reads [events]`: 5,000,000 events and 10,000,000 attempts unless told otherwise (some minutes to
make). Each read is made thirty times by the largest tenant, and by one with a hundredth of that; 95 of a hundred take
no longer than the figure, in ms.
"""

import re
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import requests
from tqdm import tqdm

from benchmarks.stored import stored
from benchmarks.system import system
from triggers_project.local.stack import Stack

TIMES = 30
API = {
    "events": "/api/events",
    "events of a type": "/api/events?type=order.created",
    "events of a day": "/api/events?since={a_month_ago}&until={the_day_after}",
    "events that contain": '/api/events?payload={{"customer":"c-4711"}}',
    "an event": "/api/events/{event}",
    "inbox": "/api/inbox",
    "inbox, dead letters": "/api/inbox?status=dead_letter",
    "inbox, dead letters, page 20": "/api/inbox?status=dead_letter&offset=1000",
    "inbox, delivered": "/api/inbox?status=delivered",
    "inbox, delivered, page 20": "/api/inbox?status=delivered&offset=1000",
    "inbox, failed": "/api/inbox?status=failed",
    "inbox, pending": "/api/inbox?status=pending",
    "inbox, acknowledged": "/api/inbox?status=acknowledged",
    "inbox, page 20": "/api/inbox?offset=1000",
    "deliveries": "/api/deliveries",
    "deliveries, dead letters": "/api/deliveries?status=dead_letter",
    "deliveries, failed": "/api/deliveries?status=failed",
    "deliveries of an event": "/api/deliveries?event_id={event}",
    "deliveries of an endpoint": "/api/deliveries?endpoint_id={endpoint}",
    "deliveries of a type": "/api/deliveries?event_type=order.created",
    "a delivery": "/api/deliveries/{delivery}",
}
ADMIN = {
    "admin: dead letters": "/admin/deliveries/deadletter/",
    "admin: dead letters of a tenant": "/admin/deliveries/deadletter/?q={name}",
    "admin: dead letters by endpoint and cause": "/admin/deliveries/deadletter/causes/",
    "admin: dead letter by event": "/admin/deliveries/deadletter/?q={event}",
    "admin: events": "/admin/events/event/",
    "admin: an event by its id": "/admin/events/event/?q={event}",
    "admin: event page": "/admin/events/event/{event}/change/",
    "admin: deliveries": "/admin/deliveries/delivery/",
    "admin: delivery page": "/admin/deliveries/delivery/{delivery}/change/",
    "admin: endpoints": "/admin/deliveries/endpoint/",
    "admin: endpoint page": "/admin/deliveries/endpoint/{endpoint}/change/",
    "admin: tenants": "/admin/organizations/organization/",
    "admin: tenant page": "/admin/organizations/organization/{tenant}/change/",
    "admin: an id, found": "/admin/find/?q={event}",
    "admin: front page, an hour": "/admin/",
    "admin: front page, a week": "/admin/?span=week",
}


def read_times(stack: Stack, tenants: list[dict[str, Any]]) -> dict[str, float]:
    """95th percentiles in ms, of the largest tenant's reads, a small one's, and the staff's."""
    stack.manage("create_staff", "ada", "--role", "owner")  # which prints a password
    found: dict[str, float] = {}
    for size, tenant in (("largest", tenants[0]), ("small", tenants[len(tenants) // 2])):
        session = requests.Session()
        session.trust_env, session.headers["X-API-Key"] = False, tenant["api_key"]
        places = places_of(stack, tenant)
        for name, path in tqdm(API.items(), desc=f"reads, {size}", leave=False):
            found[f"{name}, {size} tenant"] = p95(partial(get, session, stack.url + path.format(**places)))
    staff = signed_in(stack)
    places = places_of(stack, tenants[0])
    for name, path in tqdm(ADMIN.items(), desc="reads, staff", leave=False):
        found[name] = p95(partial(get, staff, stack.url + path.format(**places)))
    return found


def places_of(stack: Stack, tenant: dict[str, Any]) -> dict[str, str]:
    """What the paths name."""
    organization = tenant["organization"]
    with psycopg.connect(stack.database_url) as database:
        row = database.execute(
            "SELECT id, event_id, endpoint_id FROM deliveries_delivery WHERE organization_id = %s AND"
            " status = 'dead_letter' ORDER BY id DESC LIMIT 1",
            [organization["id"]],
        ).fetchone()
    assert row is not None
    return {
        "delivery": str(row[0]),
        "event": str(row[1]),
        "endpoint": str(row[2]),
        "name": organization["name"],
        "tenant": organization["id"],
        "a_month_ago": time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - 30 * 86_400)),
        "the_day_after": time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() - 29 * 86_400)),
    }


def signed_in(stack: Stack) -> requests.Session:
    password = stack.manage("create_staff", "grace", "--role", "owner").split()[-1]
    session = requests.Session()
    session.trust_env = False
    page = session.get(f"{stack.url}/admin/login/", timeout=60).text
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
    form = {"csrfmiddlewaretoken": token, "username": "grace", "password": password, "next": "/admin/"}
    answer = session.post(f"{stack.url}/admin/login/", data=form, headers={"Referer": stack.url}, timeout=60)
    assert "csrfmiddlewaretoken" not in answer.text or "/admin/logout/" in answer.text, "not signed in"
    return session


def get(session: requests.Session, url: str) -> None:
    answer = session.get(url, timeout=120)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} was answered {answer.status_code}")


def p95(read: Callable[[], None]) -> float:
    """In ms. The first is not counted."""
    read()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
        if sum(times) > 20:
            break
    return round(sorted(times)[int(len(times) * 0.95)] * 1000, 1)


def run(events: int = 5_000_000) -> dict[str, Any]:
    with system() as stack:
        tenants = stored(stack, events)
        stack.start_apps()
        stack.wait_until_ready()
        return {f"{name}, p95 ms": figure for name, figure in read_times(stack, tenants).items()}


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000).items():
        print(f"{figure:>10}  {name}")

"""A dump that was taken while events are on their way makes a whole system again: docs/backup.md, carried out."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.keeping import dump, empty_database, restore
from tests.flows.journey import Journey, until
from tests.flows.system import ENVIRON, SETUP
from triggers_project.local.embedded import free_port
from triggers_project.local.stack import Stack
from triggers_project.local.throw_away import throw_away_data

pytestmark = [
    pytest.mark.flow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        SETUP in ("pgbouncer", "grown"), reason="A dump is restored past the pooler: docs/backup.md."
    ),
]
DELIVERED, UNDER_WAY = 10, 20
DEAD = {"type": "flow.event", "payload": {"n": "dead"}, "dedup_id": "dead"}


def test_what_a_dump_holds_goes_on_where_it_was(stack: Stack, journey: Journey, tmp_path: Path) -> None:
    journey.wait_for([journey.post(n=n) for n in range(DELIVERED)], timeout=30)
    dead = a_dead_letter(journey)
    journey.receiver.behave(journey.path, delay=2)
    under_way = {journey.post(n=n) for n in range(UNDER_WAY)}
    dump(stack.database_url, tmp_path / "backup")
    journey.receiver.behave(journey.path)
    second = empty_database(stack, "restored")
    restore(tmp_path / "backup", second)

    with system_on(second, secrets_of(stack)) as other:
        there = copy.copy(journey)
        there.stack = other
        before = states(there)
        other.start_apps()
        other.wait_until_ready(timeout=90)
        there.wait_until_settled(timeout=60)
        after = states(there)
        again = there.call("POST", "/api/events", DEAD)
        replayed = there.call("POST", f"/api/events/{dead}/replay")
        there.wait_for([dead], timeout=30)

    assert {event for event, (status, _) in before.items() if status != "delivered"} == {dead, *under_way}
    assert after[dead] == before[dead] == ("dead_letter", 5)
    assert all(after[event][0] == "delivered" for event in under_way)
    settled = {event: state for event, state in before.items() if state[0] == "delivered"}
    assert {event: after[event] for event in settled} == settled  # sent no more
    assert (again.status_code, again.json()["event_id"]) == (409, dead)
    assert replayed.status_code == 202


def a_dead_letter(journey: Journey) -> str:
    journey.receiver.behave(journey.path, status=503)
    event: str = journey.call("POST", "/api/events", DEAD).json()["id"]
    until(lambda: states(journey)[event][0] == "dead_letter", timeout=30, what="a dead letter")
    return event


def states(journey: Journey) -> dict[str, tuple[str, int]]:
    """Of each event: its delivery's status, and how often it was tried."""
    rows = journey.sql(
        "SELECT event_id::text, status, attempts FROM deliveries_delivery WHERE organization_id = %s",
        journey.organization_id,
    )
    return {event: (status, attempts) for event, status, attempts in rows}


def secrets_of(stack: Stack) -> dict[str, str]:
    """What is in no database, and has to be kept as well."""
    kept: dict[str, str] = json.loads((stack.data_dir / "secrets.json").read_text())
    return kept


@contextmanager
def system_on(database_url: str, secrets: dict[str, str]) -> Iterator[Stack]:
    """With an empty Redis of its own. Its apps are not started yet."""
    environ = {
        **ENVIRON,
        **secrets,
        "DATABASE_URL": database_url,
        "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    with throw_away_data("triggers-restored-") as data_dir:
        ports = {"port": free_port(), "metrics_port": free_port()}
        with Stack(data_dir, **ports, environ=environ, fast=True) as stack:
            stack.start_servers()
            stack.migrate()
            yield stack

"""What every benchmark needs: a system of its own, durable as on the desk, a receiver, tenants, and a backlog."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from events.spans import EVERYBODY, Grain
from triggers_project.local.embedded import free_port
from triggers_project.local.stack import ROOT, Stack
from triggers_project.local.throw_away import throw_away_data

_FILL = """
WITH made AS (
    INSERT INTO events_event (id, organization_id, type, payload, created_at)
    SELECT triggers_uuid7(), %(organization)s, 'bench.event',
        jsonb_build_object('n', g, 'text', repeat('x', 600)), now()
    FROM generate_series(%(first)s::int, %(first)s::int + %(count)s::int - 1) AS g
    RETURNING id, type
)
INSERT INTO deliveries_delivery (
    id, organization_id, event_id, event_type, endpoint_id, status, attempts, claim, next_attempt_at, manual, test,
    last_error, created_at
)
SELECT triggers_uuid7(), %(organization)s, id, type,
    (%(endpoints)s::uuid[])[1 + (row_number() OVER ()) %% array_length(%(endpoints)s::uuid[], 1)],
    'pending', 0, 0, now(), false, false, '', now()
FROM made
"""


@contextmanager
def system(**environ: str) -> Iterator[Stack]:
    """A system without its apps running; `stack.start_apps()` starts them."""
    with throw_away_data("triggers-bench-") as data_dir:
        settings = {"LOG_FORMAT": "json", "BCRYPT_ROUNDS": "4", **environ}
        with Stack(data_dir, port=free_port(), metrics_port=free_port(), environ=settings) as stack:
            stack.start_servers()
            stack.migrate()
            yield stack


class Receiver:
    """`benchmarks.receiver` in a process of its own."""

    def __enter__(self) -> "Receiver":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.receiver"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def report(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


def tenant(stack: Stack, name: str, url: str) -> dict[str, Any]:
    """An enterprise tenant with an endpoint: the answer of `create_organization`."""
    answer: dict[str, Any] = json.loads(
        stack.manage("create_organization", name, "--tier", "enterprise", "--webhook-url", url)
    )
    return answer


def tenants(stack: Stack, count: int, url: str) -> list[dict[str, Any]]:
    """So many enterprise tenants, each with an endpoint at `url`: answers as `tenant`'s."""
    code = f"""
import json
from organizations.api import sign_up
for number in range({count}):
    print(json.dumps(sign_up(f"Tenant {{number}}", {url!r}, tier="enterprise"), default=str))
"""
    lines = stack.manage("shell", "--no-imports", "-c", code).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def fill(stack: Stack, organization: str, count: int, *, first: int = 1) -> None:
    """So many events of 600 bytes, numbered from `first`, each with a delivery that is due, spread over the tenant's
    endpoints."""
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        rows = database.execute(
            "SELECT id FROM deliveries_endpoint WHERE organization_id = %s", [organization]
        )
        endpoints = [row[0] for row in rows]
        database.execute(
            _FILL, {"organization": organization, "endpoints": endpoints, "count": count, "first": first}
        )
        database.execute("ANALYZE deliveries_delivery, events_event")


def more_endpoints(stack: Stack, organization: str, count: int) -> None:
    """So many copies of the tenant's endpoint, with their secrets."""
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute(
            """
            WITH made AS (
                INSERT INTO deliveries_endpoint (id, organization_id, url, description, event_types, state,
                    disabled_reason, is_default, revision, consecutive_failures, encrypted_headers, circuit, probe_wait)
                SELECT triggers_uuid7(), organization_id, url, '', '{}', 'enabled', '', false, 1, 0, '', 'closed', 0
                FROM deliveries_endpoint, generate_series(1, %(count)s)
                WHERE organization_id = %(organization)s AND is_default
                RETURNING id
            )
            INSERT INTO deliveries_endpointsecret (id, endpoint_id, encrypted)
            SELECT triggers_uuid7(), made.id, secret.encrypted
            FROM made, deliveries_endpointsecret AS secret
            JOIN deliveries_endpoint AS endpoint ON endpoint.id = secret.endpoint_id
            WHERE endpoint.organization_id = %(organization)s
            """,
            {"organization": organization, "count": count},
        )


def paid_up(stack: Stack) -> None:
    """What was written so far is cleaned up and on its disk: else a figure pays for what the one before left."""
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute("VACUUM ANALYZE events_event, events_oncekey, deliveries_delivery")
        database.execute("CHECKPOINT")


def counted(stack: Stack) -> None:
    """Until what was accepted so far has been counted for the last time, some two minutes later
    (`events/arrivals_count.py`): of a million in a minute that takes half a second each time."""
    latest = "SELECT max(at) FROM events_arrivals WHERE organization_id = %s AND grain = %s"
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        (end,) = database.execute("SELECT date_trunc('minute', now()) + interval '2 minutes'").fetchone() or (
            "",
        )

        def is_counted() -> bool:
            found = database.execute(latest, [EVERYBODY, Grain.MINUTE.value]).fetchone()
            return bool(found and found[0] and found[0] >= end)

        until(is_counted, timeout=240, what="the count of what was accepted", every=1)


def cpu_seconds(pids: list[int]) -> float:
    """What these processes have used so far. One that has ended meanwhile, as PostgreSQL's for vacuum do, counts 0."""
    total = 0.0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / 100
    return total


def megabytes(stack: Stack, name: str) -> float:
    """The largest of a program's processes (RSS)."""
    sizes = []
    for pid in stack.pids(name):
        status = Path(f"/proc/{pid}/status").read_text()
        sizes.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    return round(max(sizes), 1)


def until(condition: Any, *, timeout: float, what: str, every: float = 0.1) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(every)

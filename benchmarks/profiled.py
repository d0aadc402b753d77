"""Where does the time go? The functions in which a web process and a worker spend most, of what they do for an event.

`python -m benchmarks.profiled [seconds]`: the fast lane is called in a process of its own, 64 callers at a time, and an
engine delivers a backlog, each under cProfile, which makes Python functions look slower than they are. Figures are µs
of an event in the function itself. (`… accept` and `… send` are what runs in those processes.)
"""

import asyncio
import cProfile
import itertools
import json
import pstats
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.system import Receiver, fill, system, tenant, tenants
from triggers_project.local.stack import ROOT, Stack

CALLERS = 64
BACKLOG = 5_000
SHOWN = 15


def most(profile: cProfile.Profile, events: int) -> dict[str, float]:
    """The functions with the most time of their own, in µs of an event."""
    rows: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    found: dict[str, float] = {}
    for (file, _, function), (_, _, own, _, _) in rows.items():
        place = Path(file).stem if file != "~" else "built in"
        name = f"{place}: {function}"
        found[name] = found.get(name, 0.0) + own / events * 1e6
    waiting = ("select", "epoll", "acquire")
    ordered = sorted(found.items(), key=lambda row: -row[1])
    return {name: round(own, 1) for name, own in ordered if not any(word in name for word in waiting)}


class Scope:
    """A call of `POST /api/events`, as granian hands it over."""

    method, path, query_string, authority = "POST", "/api/events", "", None
    scheme, http_version, server, client = "http", "1.1", "127.0.0.1:8000", "127.0.0.1:50000"

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


class Exchange:
    def __init__(self, body: bytes) -> None:
        self.body, self.status = body, 0

    async def __call__(self) -> bytes:
        return self.body

    def response_bytes(self, status: int, headers: object, content: bytes) -> None:
        self.status = status


def accept(keys: list[str], seconds: float) -> dict[str, float]:
    from triggers_project.rsgi import application  # isort: skip - it sets Django up
    from organizations.verification import find_key

    for key in keys:
        find_key(key, caller="127.0.0.1")
    turns, done = itertools.cycle(keys), 0

    async def caller(until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            body = json.dumps({"type": "bench.event", "payload": {"n": done, "text": "x" * 560}}).encode()
            headers = {"host": "localhost", "x-api-key": next(turns), "content-type": "application/json"}
            exchange = Exchange(body)
            await application.__rsgi__(Scope({**headers, "content-length": str(len(body))}), exchange)
            done += exchange.status == 202

    async def all_of_them() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(caller(until) for _ in range(CALLERS)))

    profile = cProfile.Profile()
    profile.runcall(asyncio.run, all_of_them())
    return most(profile, done)


def send() -> dict[str, float]:
    import django

    django.setup()
    from django.conf import settings

    from deliveries.engine import Engine, Rules

    rules = Rules([5], 30.0, settings.ALLOWED_PRIVATE_NETWORKS, "Triggers/bench")

    async def deliver() -> int:
        engine = Engine(rules)
        try:
            return await engine.run()
        finally:
            await engine.close()

    profile = cProfile.Profile()
    done = profile.runcall(asyncio.run, deliver())
    return most(profile, done)


def in_a_process(stack: Stack, *arguments: str, keys: list[str]) -> dict[str, float]:
    environ = {**stack.environ, "DJANGO_SETTINGS_MODULE": "triggers_project.settings"}
    metrics = stack.data_dir / "metrics"
    metrics.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.profiled", *arguments],
        cwd=ROOT,
        env={**environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        input=json.dumps(keys),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run(seconds: float = 5) -> dict[str, Any]:
    with system() as stack, Receiver() as receiver:
        keys = [answer["api_key"] for answer in tenants(stack, CALLERS, "http://127.0.0.1:9/nobody")]
        lane = in_a_process(stack, "accept", str(seconds), keys=keys)
    with system() as stack, Receiver() as receiver:
        fill(stack, tenant(stack, "Bench", f"{receiver.url}/")["organization"]["id"], BACKLOG)
        engine = in_a_process(stack, "send", keys=[])
    return {
        f"{what}, {name}, µs": own
        for what, functions in (("accept", lane), ("send", engine))
        for name, own in list(functions.items())[:SHOWN]
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["accept"]:
        print(json.dumps(accept(json.load(sys.stdin), float(sys.argv[2]))))
    elif sys.argv[1:2] == ["send"]:
        print(json.dumps(send()))
    else:
        for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 5).items():
            print(f"{figure:>10}  {name}")

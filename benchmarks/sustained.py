"""How many events a second go in and out at once, for minutes, without a backlog that grows?

`python -m benchmarks.sustained [seconds]`: 64 connections post single events; as long as less than a second's worth
of them waits to be delivered they post more, and less when it does. Then at 10, 50 and 80 % of what went: how long from
posting to receiving? And what memory have the web's and the worker's processes at the start and at the end?
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from tqdm import tqdm

from benchmarks.system import Receiver, megabytes, system, tenants
from triggers_project.local.stack import ROOT, Stack

TENANTS = 64
CONNECTIONS = 64
WARM_UP = 20.0  # seconds, not counted
LEAST, FIRST, MOST = 50.0, 500.0, 20_000.0  # events/s


class Client:
    """`benchmarks.client`, whose rate can be changed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def set_rate(self, rate: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rate}\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, float]:
        out, _ = self._process.communicate()
        found: dict[str, float] = json.loads(out)
        if found["refused"]:
            raise RuntimeError(f"{found['refused']:.0f} requests were refused.")
        return found


@contextmanager
def client(stack: Stack, keys: list[str], *, seconds: float, rate: float) -> Iterator[Client]:
    arguments = [f"{stack.url}/api/events", str(CONNECTIONS), str(seconds), "0", str(rate)]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.client", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(keys) + "\n")
        process.stdin.flush()
        yield Client(process)
    finally:
        process.kill()
        process.wait()


def accepted(stack: Stack) -> int:
    """Events, by the figures that the exporter shows; the database is not bothered."""
    total = 0
    for line in metrics(stack).splitlines():
        if line.startswith("triggers_events_accepted_total{"):
            total += int(float(line.rpartition(" ")[2]))
    return total


def metrics(stack: Stack) -> str:
    return requests.get(stack.metrics_url, timeout=30).text


def balanced(stack: Stack, receiver: Receiver, keys: list[str], seconds: float) -> dict[str, float]:
    """Posts as much as is delivered: events a second, and how many waited at the start and at the end."""
    rate, received, waiting = FIRST, [], []
    with client(stack, keys, seconds=WARM_UP + seconds + 1, rate=rate) as poster:
        began = time.perf_counter()
        base = accepted(stack) - receiver.report()["answered"]
        with tqdm(total=int(WARM_UP + seconds), unit=" s", desc="in and out", leave=False) as bar:
            while (past := time.perf_counter() - began) < WARM_UP + seconds:
                time.sleep(1)
                bar.update(int(past) - bar.n)
                answered = receiver.report()["answered"]
                backlog = accepted(stack) - answered - base
                rate *= 0.93 if backlog > rate else 1.03 if backlog < rate * 0.3 else 1.0
                rate = min(max(rate, LEAST), MOST)
                bar.set_postfix(rate=round(rate), waiting=backlog)
                poster.set_rate(rate)
                if past >= WARM_UP:
                    received.append((time.perf_counter(), answered))
                    waiting.append(backlog)
        poster.result()
    (first, before), (last, after) = received[0], received[-1]
    return {
        "events/s": (after - before) / (last - first),
        "waiting at first": statistics.median(waiting[:10]),
        "waiting at last": statistics.median(waiting[-10:]),
    }


def ages(stack: Stack, receiver: Receiver, keys: list[str], *, rate: float, seconds: float) -> list[float]:
    """p50, p95 and p99 in ms from posting to receiving, at that rate."""
    with client(stack, keys, seconds=seconds + 3, rate=rate) as poster:
        time.sleep(3)
        receiver.report()
        time.sleep(seconds)
        found: list[float] = receiver.report()["ages"]
        poster.result()
    time.sleep(2)
    return found


def run(seconds: float = 300) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with system() as stack, Receiver() as receiver:
        keys = [answer["api_key"] for answer in tenants(stack, TENANTS, f"{receiver.url}/aged")]
        stack.start_apps()
        stack.wait_until_ready()
        ages(stack, receiver, keys, rate=100, seconds=5)  # warms up
        before = {name: megabytes(stack, name) for name in ("web", "worker")}
        balance = balanced(stack, receiver, keys, seconds)
        found["in and out at once, events/s"] = round(balance["events/s"])
        found["waiting for delivery at first"] = balance["waiting at first"]
        found["waiting for delivery at last"] = balance["waiting at last"]
        for name, size in before.items():
            found[f"a process of the {name}, before, MB"] = size
            found[f"a process of the {name}, after, MB"] = megabytes(stack, name)
        time.sleep(5)
        for share in (0.1, 0.5, 0.8):
            p50, p95, p99 = ages(
                stack, receiver, keys, rate=balance["events/s"] * share, seconds=min(20, seconds)
            )
            found[f"posted to received at {share:.0%}, p50 ms"] = p50
            found[f"posted to received at {share:.0%}, p95 ms"] = p95
            found[f"posted to received at {share:.0%}, p99 ms"] = p99
    return found


if __name__ == "__main__":
    for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 300).items():
        print(f"{figure:>10}  {name}")

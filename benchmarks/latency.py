"""How long from posting an event until the receiver has it, and does a dead endpoint of another tenant matter?

`python -m benchmarks.latency [seconds]`: 100 events/s; then 50 events/s without and with 10,000 deliveries waiting for
an endpoint of another tenant that never answers. The time counts from before the POST, so accepting is in it.
"""

import sys
import threading
import time
from typing import Any, NamedTuple

import requests
from tqdm import tqdm

from benchmarks.system import Receiver, fill, system, tenant, until
from triggers_project.local.stack import Stack

CLIENTS = 8


class Posted(NamedTuple):
    """When an event was posted, and when that was answered; by `time.perf_counter`."""

    began: float
    answered: float


def post_steadily(stack: Stack, *keys: str, rate: float, seconds: float, first: int) -> dict[int, Posted]:
    """Posts events numbered from `first` at an even rate, whatever the answers take, with one key after the other."""
    count = int(rate * seconds)
    posted: dict[int, Posted] = {}
    start = time.perf_counter() + 0.2

    def client(mine: range) -> None:
        session = requests.Session()
        session.trust_env = False
        for index in mine:
            time.sleep(max(0.0, start + index / rate - time.perf_counter()))
            began = time.perf_counter()
            answer = session.post(
                f"{stack.url}/api/events",
                json={"type": "bench.event", "payload": {"n": first + index, "text": "x" * 600}},
                headers={"X-API-Key": keys[index % len(keys)]},
            )
            answer.raise_for_status()
            posted[first + index] = Posted(began, time.perf_counter())

    threads = [
        threading.Thread(target=client, args=(range(index, count, CLIENTS),)) for index in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in tqdm(threads, desc=f"{rate:g} events/s", unit=" clients", leave=False):
        thread.join()
    return posted


def answer_times(posted: dict[int, Posted]) -> list[float]:
    """Milliseconds from posting to the answer, sorted."""
    return sorted((one.answered - one.began) * 1000 for one in posted.values())


def delays(receiver: Receiver, posted: dict[int, Posted]) -> list[float]:
    """Milliseconds from posting to receiving, sorted."""

    def all_there() -> bool:
        times = receiver.report()["times"]
        return all(str(number) in times for number in posted)

    until(all_there, timeout=60, what="the last events", every=0.5)
    times = receiver.report()["times"]
    return sorted((times[str(number)] - one.began) * 1000 for number, one in posted.items())


def percentile(ordered: list[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)


def run(seconds: float = 30) -> dict[str, Any]:
    with system(WEBHOOK_TIMEOUT="30") as stack, Receiver() as receiver:
        quick = tenant(stack, "Quick", f"{receiver.url}/timed")
        dead = tenant(stack, "Dead", f"{receiver.url}/never")
        stack.start_apps()
        stack.wait_until_ready()
        key = quick["api_key"]
        post_steadily(stack, key, rate=50, seconds=3, first=0)  # warms up
        at_100 = delays(receiver, post_steadily(stack, key, rate=100, seconds=seconds, first=1_000_000))
        alone = delays(receiver, post_steadily(stack, key, rate=50, seconds=seconds, first=2_000_000))
        fill(stack, dead["organization"]["id"], 10_000)
        time.sleep(3)
        beside = delays(receiver, post_steadily(stack, key, rate=50, seconds=seconds, first=3_000_000))
    return {
        "100 events/s, p50 ms": percentile(at_100, 0.5),
        "100 events/s, p95 ms": percentile(at_100, 0.95),
        "100 events/s, p99 ms": percentile(at_100, 0.99),
        "50 events/s, p95 ms": percentile(alone, 0.95),
        "50 events/s beside a dead endpoint with 10,000 waiting, p95 ms": percentile(beside, 0.95),
        "p95 beside the dead endpoint, times that without": round(
            percentile(beside, 0.95) / percentile(alone, 0.95), 2
        ),
    }


if __name__ == "__main__":
    for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 30).items():
        print(f"{figure:>10}  {name}")

"""What do 50 tenants notice of others that misbehave?

`python -m benchmarks.neighbours [seconds]`: 50 tenants post 2 events/s each. Then beside them: an endpoint that never
answers with 20,000 waiting, one that answers 500 with 20,000 waiting, and a tenant that posts 50,000 events as fast as
it can. The figures are the 50 tenants', from before the POST until the receiver has it.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from benchmarks.latency import answer_times, delays, percentile, post_steadily
from benchmarks.system import Receiver, fill, system, tenant, tenants
from triggers_project.local.stack import Stack

TENANTS, RATE = 50, 100.0
WAITING, FLOOD, BATCH = 20_000, 50_000, 1_000


@contextmanager
def flooding(stack: Stack, key: str) -> Iterator[None]:
    """Posts FLOOD events in batches meanwhile; when its share is used up, it waits as it is told."""
    end = threading.Event()

    def post() -> None:
        session, left = requests.Session(), FLOOD
        session.trust_env = False
        events = [{"type": "bench.event", "payload": {"text": "x" * 600}} for _ in range(BATCH)]
        body = json.dumps({"events": events}).encode()  # once: what is measured is measured in this process
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        while left > 0 and not end.is_set():
            answer = session.post(f"{stack.url}/api/events/batch", data=body, headers=headers)
            if answer.status_code == 429:
                end.wait(float(answer.headers["Retry-After"]))
                continue
            answer.raise_for_status()
            left -= BATCH

    poster = threading.Thread(target=post)
    poster.start()
    try:
        yield
    finally:
        end.set()
        poster.join()


def run(seconds: float = 30) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with system(WEBHOOK_TIMEOUT="30") as stack, Receiver() as receiver:
        keys = [answer["api_key"] for answer in tenants(stack, TENANTS, f"{receiver.url}/timed")]
        hanging = tenant(stack, "Hanging", f"{receiver.url}/never")
        failing = tenant(stack, "Failing", f"{receiver.url}/failing")
        greedy = tenant(stack, "Greedy", f"{receiver.url}/quick")
        stack.start_apps()
        stack.wait_until_ready()
        numbers = iter(range(0, 10**9, 10**6))

        def measure(name: str) -> None:
            posted = post_steadily(stack, *keys, rate=RATE, seconds=seconds, first=next(numbers))
            ordered = delays(receiver, posted)
            found[f"{name}, p50 ms"] = percentile(ordered, 0.5)
            found[f"{name}, p95 ms"] = percentile(ordered, 0.95)
            found[f"{name}, p99 ms"] = percentile(ordered, 0.99)
            found[f"{name}, until accepted, p95 in ms"] = percentile(answer_times(posted), 0.95)

        post_steadily(stack, *keys, rate=RATE, seconds=5, first=next(numbers))  # warms up
        measure("alone")
        fill(stack, hanging["organization"]["id"], WAITING)
        time.sleep(3)
        measure(f"an endpoint hangs with {WAITING:,} waiting")
        fill(stack, failing["organization"]["id"], WAITING)
        time.sleep(3)
        measure(f"and one answers 500 with {WAITING:,} waiting")
        with flooding(stack, greedy["api_key"]):
            measure(f"and a tenant posts {FLOOD:,}")
        measure("alone but for those two, afterwards")
    for name in [name for name in found if name.endswith("p95 ms") and not name.startswith("alone,")]:
        found[name.replace("p95 ms", "p95, times that alone")] = round(
            found[name] / found["alone, p95 ms"], 2
        )
    return found


if __name__ == "__main__":
    for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 30).items():
        print(f"{figure:>10}  {name}")

"""What do 50 tenants notice of others that misbehave?

`python -m benchmarks.neighbours [seconds]`: 50 tenants post 2 events/s each. Then beside them: an endpoint that never
answers with 20,000 waiting, one that answers 500 with 20,000 waiting, and a tenant that posts 50,000 events as fast as
it can: three times, each after a while without it, of which the medians are told. The figures are the 50 tenants',
from before the POST until the receiver has it.
"""

import itertools
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import requests

from benchmarks.latency import answer_times, delays, percentile, post_steadily
from benchmarks.system import Receiver, fill, paid_up, system, tenant, tenants, until
from triggers_project.local.stack import Stack

TENANTS, RATE = 50, 100.0
ROUNDS = 3
ALONE = "alone"
WAITING, FLOOD, BATCH = 20_000, 50_000, 1_000
BEFORE_IT = 1.2  # seconds


@contextmanager
def flooding(stack: Stack, key: str) -> Iterator[None]:
    """Posts FLOOD events in batches, once the others are posting; when its share is used up, it waits as told."""
    end = threading.Event()

    def post() -> None:
        session, left = requests.Session(), FLOOD
        session.trust_env = False
        events = [{"type": "bench.event", "payload": {"text": "x" * 600}} for _ in range(BATCH)]
        body = json.dumps({"events": events}).encode()  # once: what is measured is measured in this process
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        end.wait(BEFORE_IT)
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
    with system(WEBHOOK_TIMEOUT="30") as stack, Receiver() as receiver:
        keys = [answer["api_key"] for answer in tenants(stack, TENANTS, f"{receiver.url}/timed")]
        hanging = tenant(stack, "Hanging", f"{receiver.url}/never")
        failing = tenant(stack, "Failing", f"{receiver.url}/failing")
        greedy = [tenant(stack, f"Greedy {number}", f"{receiver.url}/quick") for number in range(ROUNDS)]
        stack.start_apps()
        stack.wait_until_ready()
        numbers = iter(range(0, 10**9, 10**6))
        found: dict[str, dict[str, float]] = {}

        def measure() -> dict[str, float]:
            posted = post_steadily(stack, *keys, rate=RATE, seconds=seconds, first=next(numbers))
            return shares(delays(receiver, posted), answer_times(posted))

        def cleaned() -> dict[str, float]:
            paid_up(stack)
            return measure()

        post_steadily(stack, *keys, rate=RATE, seconds=5, first=next(numbers))  # warms up
        found[ALONE] = medians([cleaned() for _ in range(ROUNDS)])
        fill(stack, hanging["organization"]["id"], WAITING)
        time.sleep(3)
        found[f"an endpoint hangs with {WAITING:,} waiting"] = cleaned()
        fill(stack, failing["organization"]["id"], WAITING)
        time.sleep(3)
        beside, flooded = [], []
        for tenant_of_round in greedy:  # in turn: the machine is faster at one hour than at another
            beside.append(cleaned())
            paid_up(stack)
            with flooding(stack, tenant_of_round["api_key"]):
                flooded.append(measure())
            until(lambda: nothing_waits(stack, tenant_of_round), timeout=300, what="what it posted")  # noqa: B023
        found[f"and one answers 500 with {WAITING:,} waiting"] = medians(beside)
        found[f"and a tenant posts {FLOOD:,}"] = medians(flooded)
    return told(found)


def shares(ordered: list[float], answered: list[float]) -> dict[str, float]:
    return {
        **{f"p{share} ms": percentile(ordered, share / 100) for share in (50, 95, 99)},
        "until accepted, p95 in ms": percentile(answered, 0.95),
    }


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def told(found: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Each figure by its name, and each p95 of that alone, and of what it was before that came, too."""
    figures = {f"{name}, {what}": figure for name, one in found.items() for what, figure in one.items()}
    for before, name in itertools.pairwise(found):
        for words, ceiling in (("alone", ALONE), ("before", before)):
            ratio = found[name]["p95 ms"] / found[ceiling]["p95 ms"]
            figures[f"{name}, p95, times that {words}"] = round(ratio, 2)
    return figures


def nothing_waits(stack: Stack, of: dict[str, Any]) -> bool:
    """All that this tenant posted is delivered."""
    with psycopg.connect(stack.database_url) as database:
        row = database.execute(
            "SELECT NOT EXISTS (SELECT FROM deliveries_delivery WHERE organization_id = %s AND"
            " status IN ('pending', 'failed'))",
            [of["organization"]["id"]],
        ).fetchone()
    return bool(row and row[0])


if __name__ == "__main__":
    for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 30).items():
        print(f"{figure:>10}  {name}")

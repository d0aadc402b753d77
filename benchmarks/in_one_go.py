"""A million deliveries in one go: is the last tenth as fast as the first, with all the dead rows that the others left?

`python -m benchmarks.in_one_go [deliveries]`: what waits for 100 endpoints of one tenant, whose receiver answers at
once, is sent by one worker process. Also by how much the table of deliveries grew meanwhile.
"""

import itertools
import sys
import time
from typing import Any

import psycopg
from tqdm import tqdm

from benchmarks.system import Receiver, fill, more_endpoints, paid_up, system, tenant
from triggers_project.local.stack import Stack

ENDPOINTS = 100
BLOCK = 50_000
TENTHS = 10


def megabytes_of_deliveries(stack: Stack) -> float:
    with psycopg.connect(stack.database_url) as database:
        row = database.execute("SELECT pg_total_relation_size('deliveries_delivery') / 1e6").fetchone()
    return float(row[0]) if row else 0.0


def times_of_tenths(receiver: Receiver, count: int) -> list[float]:
    """Seconds that each tenth took, from the first answer on; between two looks answers come evenly."""
    goals = [max(1, count * tenth // TENTHS) for tenth in range(TENTHS + 1)]
    marks: list[float] = []
    answered, at = 0, time.perf_counter()
    deadline = at + 60 + count / 500
    with tqdm(total=count, unit=" deliveries", desc="in one go", leave=False) as bar:
        while len(marks) < len(goals):
            if at > deadline:
                raise TimeoutError(f"{answered:,} of {count:,} were delivered in time")
            time.sleep(0.1)
            before, since = answered, at
            answered, at = receiver.report()["answered"], time.perf_counter()
            bar.update(answered - before)
            while len(marks) < len(goals) and answered >= goals[len(marks)]:
                share = (goals[len(marks)] - before) / (answered - before)
                marks.append(since + share * (at - since))
    return [end - begin for begin, end in itertools.pairwise(marks)]


def run(count: int = 1_000_000) -> dict[str, Any]:
    with system(DELIVERY_WORKERS="1", LOG_LEVEL="WARNING") as stack, Receiver() as receiver:
        organization = tenant(stack, "Bench", f"{receiver.url}/")["organization"]["id"]
        more_endpoints(stack, organization, ENDPOINTS - 1)
        for first in tqdm(range(1, count + 1, BLOCK), desc="a backlog", unit="block", leave=False):
            fill(stack, organization, min(BLOCK, count + 1 - first), first=first)
        paid_up(stack)
        before = megabytes_of_deliveries(stack)
        stack.start_apps()
        rates = [count / TENTHS / seconds for seconds in times_of_tenths(receiver, count)]
        after = megabytes_of_deliveries(stack)
    return {
        "the first tenth, deliveries/s": round(rates[0]),
        "the slowest tenth, deliveries/s": round(min(rates)),
        "the last tenth, deliveries/s": round(rates[-1]),
        "the last tenth, of the first": round(rates[-1] / rates[0], 2),
        "the last three tenths, of the first three": round(sum(rates[-3:]) / sum(rates[:3]), 2),
        "the table of deliveries before, MB": round(before),
        "the table of deliveries after, MB": round(after),
    }


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000).items():
        print(f"{figure:>10}  {name}")

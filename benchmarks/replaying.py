"""How long until 100,000 dead letters are delivered, once somebody replays them?

`python -m benchmarks.replaying [dead letters]`: beside a backlog of as many, which waits for nothing but to be sent.
"""

import sys
import time
from typing import Any

import psycopg
import requests

from benchmarks.backlog import deliver
from benchmarks.system import Receiver, fill, system, tenant, until

_DIE = """
UPDATE deliveries_delivery
SET status = 'dead_letter', attempts = 5, next_attempt_at = NULL, settled_at = now(), last_error = 'It answered 500.'
"""


def replayed(count: int) -> dict[str, float]:
    """Seconds until the call was answered, and dead letters a second from the call until the last was received."""
    with system(DELIVERY_WORKERS="1", LOG_LEVEL="WARNING") as stack, Receiver() as receiver:
        answer = tenant(stack, "Bench", f"{receiver.url}/")
        fill(stack, answer["organization"]["id"], count)
        with psycopg.connect(stack.database_url, autocommit=True) as database:
            database.execute(_DIE)
            database.execute("VACUUM ANALYZE deliveries_delivery")
        stack.start_apps()
        stack.wait_until_ready()
        began = time.perf_counter()
        requests.post(
            f"{stack.url}/api/deliveries/retry",
            json={"status": "dead_letter"},
            headers={"X-API-Key": answer["api_key"]},
            timeout=120,
        ).raise_for_status()
        answered = time.perf_counter() - began
        until(
            lambda: receiver.report()["answered"] >= count,
            timeout=120 + count / 200,
            what="the last dead letter",
            every=0.5,
        )
        return {"answered": answered, "per_second": count / (receiver.report()["last"] - began)}


def run(count: int = 100_000) -> dict[str, Any]:
    backlog, again = deliver(count, endpoints=1), replayed(count)
    return {
        "a backlog, deliveries/s": round(backlog["per_second"]),
        "until the replay was answered, s": round(again["answered"], 2),
        "replayed and delivered, dead letters/s": round(again["per_second"]),
        "replayed and delivered, of a backlog": round(again["per_second"] / backlog["per_second"], 2),
    }


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000).items():
        print(f"{figure:>10}  {name}")

"""Is an endpoint's pace (`max_per_second`) held, over all processes?

`python -m benchmarks.pace [seconds]`: 5, 50 and 500 a second, one after the other, over four processes, with more
waiting than may be sent in that time. The pace is taken from when they came; the first second is left out.
"""

import sys
import time
from typing import Any

import psycopg

from benchmarks.system import Receiver, fill, system, tenant
from triggers_project.local.stack import Stack

PACES = (5, 50, 500)


def begin_anew(stack: Stack, pace: int, organization: str) -> None:
    """What is left is canceled; then that tenant's endpoint gets its pace."""
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute(
            "UPDATE deliveries_delivery SET status = 'canceled', settled_at = now(), next_attempt_at = NULL"
            " WHERE status IN ('pending', 'failed')"
        )
        database.execute(
            "UPDATE deliveries_endpoint SET max_per_second = %s, paced_until = now() WHERE organization_id = %s",
            [pace, organization],
        )


def run(seconds: float = 20) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with system(DELIVERY_WORKERS="4") as stack, Receiver() as receiver:
        organization = tenant(stack, "Paced", f"{receiver.url}/timed")["organization"]["id"]
        stack.start_apps()
        stack.wait_until_ready()
        known: set[str] = set()
        for pace in PACES:
            begin_anew(stack, pace, organization)
            fill(stack, organization, int(pace * seconds * 2), first=len(known) + 1)
            time.sleep(seconds + 2)
            times = receiver.report()["times"]
            came = sorted(times[number] for number in times.keys() - known)
            came = [moment for moment in came if came[0] + 1 <= moment <= came[0] + 1 + seconds]
            known |= times.keys()
            found[f"pace {pace}/s held, times what it should be"] = round(
                (len(came) - 1) / (came[-1] - came[0]) / pace, 3
            )
    return found


if __name__ == "__main__":
    for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 20).items():
        print(f"{figure:>10}  {name}")

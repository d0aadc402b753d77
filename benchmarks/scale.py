"""What do more worker processes bring, when the receiver takes 100 ms?

`python -m benchmarks.scale [deliveries]`: a backlog for 100 endpoints, delivered by 1, 2 and 4 processes.
"""

import sys
from typing import Any

from benchmarks.backlog import deliver

ENDPOINTS = 100
WORKERS = (1, 2, 4)


def run(count: int = 50_000) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rates = {
        workers: deliver(count, ENDPOINTS, workers=workers, path="/slow/100")["per_second"]
        for workers in WORKERS
    }
    for workers, rate in rates.items():
        found[f"{workers} worker processes, deliveries/s"] = round(rate)
        found[f"{workers} worker processes, times one"] = round(rate / rates[1], 2)
    return found


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000).items():
        print(f"{figure:>10}  {name}")

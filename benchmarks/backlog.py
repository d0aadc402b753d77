"""How fast does one sender process deliver a backlog? Beside a bare aiohttp loop against the same receiver.

`python -m benchmarks.backlog [deliveries]`
"""

import asyncio
import sys
import time
from typing import Any

import aiohttp
from tqdm import tqdm

from benchmarks.system import Receiver, cpu_seconds, fill, more_endpoints, system, tenant, until

CONCURRENCY = 128
BODY = b"x" * 780


async def _bare(url: str, count: int) -> float:
    """Requests a second of a loop that does nothing but POST."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )
    left = iter(range(count))

    async def post() -> None:
        for _ in left:
            async with session.post(url, data=BODY, headers={"Content-Type": "application/json"}) as response:
                await response.read()

    began = time.perf_counter()
    async with session:
        await asyncio.gather(*(post() for _ in range(CONCURRENCY)))
    return count / (time.perf_counter() - began)


def ceiling(count: int) -> float:
    with Receiver() as receiver:
        return asyncio.run(_bare(f"{receiver.url}/", count))


def deliver(count: int, endpoints: int, *, workers: int = 1, path: str = "/") -> dict[str, float]:
    """Deliveries a second as the receiver saw them, from the first to the last, and CPU µs of the senders for each."""
    with system(DELIVERY_WORKERS=str(workers), LOG_LEVEL="WARNING") as stack, Receiver() as receiver:
        organization = tenant(stack, "Bench", f"{receiver.url}{path}")["organization"]["id"]
        if endpoints > 1:
            more_endpoints(stack, organization, endpoints - 1)
        fill(stack, organization, count)
        stack.start_apps()
        with tqdm(total=count, unit=" deliveries", desc=f"{endpoints} endpoints", leave=False) as bar:

            def all_there() -> bool:
                bar.update(receiver.report()["answered"] - bar.n)
                return bool(bar.n >= count)

            until(all_there, timeout=60 + count / 500, what="the backlog", every=0.5)
        found = receiver.report()
        spent = cpu_seconds(stack.pids("worker")) / count * 1e6
    return {"per_second": count / (found["last"] - found["first"]), "cpu_us": spent}


def run(count: int = 100_000) -> dict[str, Any]:
    before = ceiling(20_000)
    one, many = deliver(count, endpoints=1), deliver(count, endpoints=1_000)
    bare = (before + ceiling(20_000)) / 2
    return {
        "bare aiohttp loop, requests/s": round(bare),
        "one endpoint, deliveries/s": round(one["per_second"]),
        "one endpoint, of the bare loop": round(one["per_second"] / bare, 2),
        "one endpoint, CPU µs of the worker each": round(one["cpu_us"]),
        "1,000 endpoints, deliveries/s": round(many["per_second"]),
        "1,000 endpoints, of the bare loop": round(many["per_second"] / bare, 2),
    }


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000).items():
        print(f"{figure:>10}  {name}")

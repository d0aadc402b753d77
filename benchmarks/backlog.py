"""How fast does one sender process deliver a backlog? Beside a bare aiohttp loop against the same receiver.

`python -m benchmarks.backlog [deliveries]`: for 1 and for 1,000 endpoints, to a receiver that answers at once, and (a
fourth as many) to one that takes 100 ms. Medians of three runs.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from tqdm import tqdm

from benchmarks.system import (
    Receiver,
    cpu_seconds,
    fill,
    megabytes,
    more_endpoints,
    system,
    tenant,
    until,
)

RUNS = 3
ENDPOINTS = (1, 1_000)
CONCURRENCY = 256  # as many as an engine has on their way for one tenant
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


def ceiling(count: int, path: str) -> float:
    with Receiver() as receiver:
        return asyncio.run(_bare(f"{receiver.url}{path}", count))


def deliver(
    count: int, endpoints: int, *, workers: int = 1, path: str = "/", environ: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Deliveries a second as the receiver saw them, from the first to the last, CPU µs of the senders for each, and MB
    of the largest of their processes."""
    settings = {"DELIVERY_WORKERS": str(workers), "LOG_LEVEL": "WARNING", **(environ or {})}
    with system(**settings) as stack, Receiver() as receiver:
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
        spent, size = cpu_seconds(stack.pids("worker")) / count * 1e6, megabytes(stack, "worker")
    return {"per_second": count / (found["last"] - found["first"]), "cpu_us": spent, "mb": size}


def measure(count: int, path: str) -> dict[str, float]:
    """One run: the bare loop, then each number of endpoints."""
    found = {"bare": ceiling(max(1, count // 5), path)}
    for endpoints in ENDPOINTS:
        for name, figure in deliver(count, endpoints, path=path).items():
            found[f"{endpoints} {name}"] = figure
    return found


def medians(count: int, path: str, words: str) -> dict[str, Any]:
    runs = [measure(count, path) for _ in tqdm(range(RUNS), desc=words, unit="run", leave=False)]
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    found: dict[str, Any] = {f"{words}, bare aiohttp loop, requests/s": round(middle["bare"])}
    for endpoints in ENDPOINTS:
        name = f"{words}, {endpoints:,} endpoint{'s' if endpoints > 1 else ''}"
        found[f"{name}, deliveries/s"] = round(middle[f"{endpoints} per_second"])
        found[f"{name}, of the bare loop"] = round(middle[f"{endpoints} per_second"] / middle["bare"], 2)
        found[f"{name}, CPU µs of the worker each"] = round(middle[f"{endpoints} cpu_us"])
        found[f"{name}, MB of the worker"] = round(middle[f"{endpoints} mb"])
    return found


def run(count: int = 100_000) -> dict[str, Any]:
    return medians(count, "/", "at once") | medians(count // 4, "/slow/100", "after 100 ms")


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000).items():
        print(f"{figure:>10}  {name}")

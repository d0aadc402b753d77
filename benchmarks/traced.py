"""What do traces cost? Accepting and sending without them, with one trace in a hundred, and with all.

`python -m benchmarks.traced [seconds]`: single events over 64 connections, the workers stopped; then a backlog of 2,000
deliveries for each second, to one endpoint that answers at once. CPU µs of the web's processes for an event, and of the
sender's for a delivery; the collector is a receiver that reads nothing. Medians of three runs, in turn.
"""

import statistics
import sys
from typing import Any

from tqdm import tqdm

from benchmarks.accept import TENANTS, load
from benchmarks.backlog import deliver
from benchmarks.system import Receiver, cpu_seconds, system, tenants

RUNS = 3


def modes(collector: str) -> dict[str, dict[str, str]]:
    on = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector}
    some = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    return {"without": {}, "1 % of traces": {**on, **some}, "all traces": on}


def accept(seconds: float, environ: dict[str, str]) -> dict[str, float]:
    with system(DELIVERY_WORKERS="1", **environ) as stack:
        keys = [answer["api_key"] for answer in tenants(stack, TENANTS, "http://127.0.0.1:9/nobody")]
        stack.start_apps()
        stack.wait_until_ready()
        stack.stop_program("worker")
        url = f"{stack.url}/api/events"
        load(url, keys, connections=16, events=0, seconds=3)  # warms up
        pids = stack.pids("web")
        before = cpu_seconds(pids)
        found = load(url, keys, connections=64, events=0, seconds=seconds)
        spent = cpu_seconds(pids) - before
    return {"accepted/s": found["events/s"], "web, µs": spent / found["requests"] * 1e6}


def send(count: int, environ: dict[str, str]) -> dict[str, float]:
    found = deliver(count, 1, environ=environ)
    return {"delivered/s": found["per_second"], "worker, µs": found["cpu_us"]}


def run(seconds: float = 5) -> dict[str, Any]:
    runs: dict[str, list[float]] = {}
    with Receiver() as collector:
        for _ in tqdm(range(RUNS), desc="traced", unit="run", leave=False):
            for mode, environ in modes(collector.url).items():
                figures = {**accept(seconds, environ), **send(int(seconds * 2_000), environ)}
                for name, figure in figures.items():
                    runs.setdefault(f"{mode}: {name}", []).append(figure)
        exports = collector.report()["answered"]
    found: dict[str, Any] = {name: round(statistics.median(figures), 1) for name, figures in runs.items()}
    return {**found, "requests to the collector": exports}


if __name__ == "__main__":
    for name, figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 5).items():
        print(f"{figure:>10}  {name}")

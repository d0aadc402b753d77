"""A client as cheap as Python allows: `python -m benchmarks.client URL CONNECTIONS SECONDS EVENTS [RATE]`.

Each connection POSTs one request after the other: single events (EVENTS = 0) or batches of so many, of 600 bytes each,
each with a dedup id of its own, and in its payload when it was posted, by `time.perf_counter`. All of them together
post RATE requests a second at most. The keys come as a line of JSON on stdin, and are used in turn; each further line
is a new RATE. It prints one line of JSON: `requests`, `refused` (what was not 202), `connections`, `seconds`, `cpu`
(seconds of its own), and `p50`, `p95` and `p99` in ms.
"""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle
from urllib.parse import urlsplit

TEXT = "x" * 560
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Tally:
    times: list[float] = []
    refused = connections = 0
    over = False


class Pace:
    """When the next request may be made: `rate` a second, 0 for as many as go."""

    rate = 0.0
    next = 0.0

    @classmethod
    def wait(cls) -> float:
        """Seconds until the next turn, which is taken. What was missed for long is not made up for."""
        now = time.perf_counter()
        if not cls.rate:
            return 0.0
        turn = max(cls.next, now - 0.1)
        cls.next = turn + 1 / cls.rate
        return turn - now


# Put together without a JSON encoder: what the client takes of a core, nobody else has.
EVENT = '{"type": "bench.event", "payload": {"n": %d, "at": %r, "text": "' + TEXT + '"}, "dedup_id": "%d-%d"}'


def event(number: int) -> str:
    return EVENT % (number, time.perf_counter(), os.getpid(), number)


class Connection(asyncio.Protocol):
    """Just enough HTTP/1.1 for answers that say their Content-Length."""

    def __init__(
        self, heads: Iterator[bytes], numbers: Iterator[int], events: int, connect: Callable[[], None]
    ) -> None:
        self.heads, self.numbers, self.events, self.connect = heads, numbers, events, connect

    def connection_lost(self, _: Exception | None) -> None:
        """Some servers end a connection after an answer; the next request needs another."""
        if not Tally.over:
            self.connect()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""
        Tally.connections += 1
        self.ask()

    def ask(self) -> None:
        if (wait := Pace.wait()) > 0:
            asyncio.get_running_loop().call_later(wait, self.send)
        else:
            self.send()

    def send(self) -> None:
        if self.transport.is_closing():
            return
        if self.events:
            made = ", ".join(event(next(self.numbers)) for _ in range(self.events))
            raw = f'{{"events": [{made}]}}'.encode()
        else:
            raw = event(next(self.numbers)).encode()
        self.began = time.perf_counter()
        self.transport.write(next(self.heads) % len(raw) + raw)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or len(self.buffer) < end + 4 + int(LENGTH.search(self.buffer)[1]):  # type: ignore[index]
            return
        Tally.times.append(time.perf_counter() - self.began)
        Tally.refused += self.buffer[9:12] != b"202"
        self.buffer = b""  # nobody answers what was not asked
        self.ask()


def new_rate() -> None:
    line = sys.stdin.readline()
    if line:
        Pace.rate = float(line)
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin)


async def main(url: str, connections: int, seconds: float, events: int, keys: list[str]) -> dict[str, float]:
    parts = urlsplit(url)
    heads = cycle(
        (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nX-API-Key: {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        ).encode()
        for key in keys
    )
    loop, numbers, pending = asyncio.get_running_loop(), count(), set[asyncio.Task[object]]()

    def connect() -> None:
        made = loop.create_connection(
            lambda: Connection(heads, numbers, events, connect), parts.hostname or "", parts.port or 80
        )
        pending.add(task := loop.create_task(made))
        task.add_done_callback(pending.discard)

    loop.add_reader(sys.stdin, new_rate)
    began = time.perf_counter()
    for _ in range(connections):
        connect()
    await asyncio.sleep(seconds)
    Tally.over = True
    took, times = time.perf_counter() - began, sorted(Tally.times)
    p50, p95, p99 = (
        round(times[int(len(times) * share)] * 1000, 1) if times else 0.0 for share in (0.5, 0.95, 0.99)
    )
    return {
        "requests": len(times),
        "refused": Tally.refused,
        "connections": Tally.connections,
        "seconds": took,
        "cpu": time.process_time(),
        "p50": p50,
        "p95": p95,
        "p99": p99,
    }


if __name__ == "__main__":
    url, connections, seconds, events, *rate = sys.argv[1:]
    Pace.rate = float(rate[0]) if rate else 0.0
    keys = json.loads(sys.stdin.readline())
    found = asyncio.run(main(url, int(connections), float(seconds), int(events), keys))
    print(json.dumps(found))

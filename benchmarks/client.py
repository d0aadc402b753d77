"""A client as cheap as Python allows: `python -m benchmarks.client URL CONNECTIONS SECONDS EVENTS [RATE]`.

Each connection POSTs one request after the other: single events (EVENTS = 0) or batches of so many, of 600 bytes each,
each with a dedup id of its own, and in its payload when it was posted, by `time.perf_counter`. All of them together
post RATE requests a second at most. The keys come as a line of JSON on stdin, and are used in turn; each further line
is a new RATE. It prints one line of JSON: `requests`, `refused` (what was not 202), `connections`, `seconds`, `cpu`
(seconds of its own), and `p50`, `p95` and `p99` in ms.
"""

import heapq
import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Iterator
from itertools import count, cycle
from urllib.parse import urlsplit

TEXT = "x" * 560
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
MOST_AT_ONCE = 256 * 1024  # bytes that are read in one go

# Put together without a JSON encoder: what the client takes of a core, nobody else has.
EVENT = '{"type": "bench.event", "payload": {"n": %d, "at": %r, "text": "' + TEXT + '"}, "dedup_id": "%d-%d"}'


class Pace:
    """When the next request may be made: `rate` a second, 0 for as many as go."""

    def __init__(self, rate: float) -> None:
        self.rate, self._next = rate, 0.0

    def turn(self, now: float) -> float:
        """The moment of the next turn, which is taken. What was missed for long is not made up for."""
        if not self.rate:
            return now
        turn = max(self._next, now - 0.1)
        self._next = turn + 1 / self.rate
        return turn


def requests(url: str, keys: list[str], events: int) -> Iterator[bytes]:
    """One after the other, each made when it is asked for."""
    parts = urlsplit(url)
    heads = cycle(
        (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nX-API-Key: {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        ).encode()
        for key in keys
    )
    numbers = count()
    while True:
        if events:
            body = f'{{"events": [{", ".join(event(next(numbers)) for _ in range(events))}]}}'.encode()
        else:
            body = event(next(numbers)).encode()
        yield next(heads) % len(body) + body


def event(number: int) -> str:
    return EVENT % (number, time.perf_counter(), os.getpid(), number)


class Connection:
    """Just enough HTTP/1.1 for answers that say their Content-Length."""

    def __init__(self, address: tuple[str, int], poll: select.epoll) -> None:
        self._socket, self._poll = socket.create_connection(address), poll
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._left, self._received = memoryview(b""), b""
        self.number = self._socket.fileno()
        poll.register(self.number, select.EPOLLIN)

    def ask(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self._left = memoryview(request)
        self._send()
        if self._left:
            self._poll.modify(self.number, select.EPOLLIN | select.EPOLLOUT)

    def go_on(self) -> None:
        """Sends what did not go before."""
        self._send()
        if not self._left:
            self._poll.modify(self.number, select.EPOLLIN)

    def _send(self) -> None:
        try:
            self._left = self._left[self._socket.send(self._left) :]
        except BlockingIOError:
            pass
        except OSError:
            self._left = memoryview(b"")  # that the connection has ended is read

    def answer(self) -> bytes | None:
        """The whole of it, or None as long as there is more to come. ConnectionError: there is not."""
        data = self._socket.recv(MOST_AT_ONCE)
        if not data:
            raise ConnectionError
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or len(self._received) < end + 4 + int(LENGTH.search(self._received)[1]):  # type: ignore[index]
            return None
        answer, self._received = self._received, b""  # nobody answers what was not asked
        return answer

    def close(self) -> None:
        self._socket.close()


class Client:
    """So many connections. No event loop of Python's: it would take as much of a core again."""

    def __init__(self, url: str, keys: list[str], *, connections: int, events: int, rate: float) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._requests, self._pace = requests(url, keys, events), Pace(rate)
        self._poll = select.epoll()
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self._open: dict[int, Connection] = {}
        self._due: list[tuple[float, int, Connection]] = []  # when who may ask
        self.times: list[float] = []
        self.refused = self.connections = 0
        for _ in range(connections):
            self._connect()

    def run(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2].ask(next(self._requests))
            until = min(end, self._due[0][0]) if self._due else end
            for number, happened in self._poll.poll(max(0.0, until - time.perf_counter())):
                if number in self._open:
                    self._serve(self._open[number], happened)
                else:
                    self._new_rate()

    def _serve(self, connection: Connection, happened: int) -> None:
        if happened & select.EPOLLOUT:
            connection.go_on()
        if not happened & ~select.EPOLLOUT:
            return
        try:
            answer = connection.answer()
        except BlockingIOError:
            return
        except ConnectionError:
            # Some servers end a connection after an answer; the next request needs another.
            connection.close()
            del self._open[connection.number]
            self._due = [due for due in self._due if due[2] is not connection]
            self._connect()
            return
        if answer is not None:
            self.times.append(time.perf_counter() - connection.began)
            self.refused += answer[9:12] != b"202"
            self._ask(connection)

    def _connect(self) -> None:
        connection = Connection(self._address, self._poll)
        self._open[connection.number] = connection
        self.connections += 1
        self._ask(connection)

    def _ask(self, connection: Connection) -> None:
        now = time.perf_counter()
        turn = self._pace.turn(now)
        if turn <= now:
            connection.ask(next(self._requests))
        else:
            heapq.heappush(self._due, (turn, connection.number, connection))

    def _new_rate(self) -> None:
        line = sys.stdin.readline()
        if line:
            self._pace.rate = float(line)
        else:
            self._poll.unregister(sys.stdin.fileno())


def main() -> None:
    url, connections, seconds, events, *rate = sys.argv[1:]
    keys = json.loads(sys.stdin.readline())
    began = time.perf_counter()
    client = Client(
        url, keys, connections=int(connections), events=int(events), rate=float(rate[0]) if rate else 0.0
    )
    client.run(float(seconds))
    times = sorted(client.times)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = {
        "requests": len(times),
        "refused": client.refused,
        "connections": client.connections,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time(),
        **{
            name: round(times[int(len(times) * share)] * 1000, 1) if times else 0.0
            for name, share in shares.items()
        },
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

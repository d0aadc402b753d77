"""A receiver as cheap as Python allows, so that it is the sender that is measured: `python -m benchmarks.receiver`.

It answers every POST with an empty 204: at once, after `/slow/<ms>`, or never (`/never`); `/failing` answers 500. Of
those to `/timed` it notes when the event whose payload is `{"n": …}` first came, and of those to `/aged` how long after
the moment in its payload, `{"at": …}`. On stdout it says its port; for each line on stdin it prints one of JSON:
`answered`, `first` and `last` (when), `times` (n -> when), and `ages` (p50, p95, p99 in ms, since the line before), all
on the clock of `time.perf_counter`, which all processes of a machine share.
"""

import asyncio
import json
import re
import sys
import time

FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_AT = re.compile(rb'"at": ?([0-9.]+)')
_NUMBER = re.compile(rb'"n": ?(\d+)')


class Tally:
    answered = 0
    first = last = 0.0
    times: dict[int, float] = {}
    ages: list[float] = []


class Connection(asyncio.Protocol):
    """Just enough HTTP/1.1 for clients that send a Content-Length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (head_end := self.buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self.buffer, 0, head_end)
            end = head_end + 4 + (int(found[1]) if found else 0)
            if len(self.buffer) < end:
                return
            request, self.buffer = self.buffer[:end], self.buffer[end:]
            self.answer(request.split(b" ", 2)[1], request)

    def answer(self, path: bytes, request: bytes) -> None:
        if path.startswith(b"/never"):
            return
        if path.startswith(b"/timed") and (number := _NUMBER.search(request)):
            Tally.times.setdefault(int(number[1]), time.perf_counter())
        if path.startswith(b"/aged") and (at := _AT.search(request)):
            Tally.ages.append(time.perf_counter() - float(at[1]))
        if path.startswith(b"/failing"):
            self.write(FAILURE)
        elif path.startswith(b"/slow/"):
            asyncio.get_running_loop().call_later(int(path[6:]) / 1000, self.write)
        else:
            self.write()

    def write(self, answer: bytes = ANSWER) -> None:
        Tally.last = time.perf_counter()
        Tally.first = Tally.first or Tally.last
        Tally.answered += 1
        if not self.transport.is_closing():
            self.transport.write(answer)  # type: ignore[attr-defined]


def report() -> None:
    if not sys.stdin.readline():
        sys.exit()
    ages, Tally.ages = sorted(Tally.ages), []
    found = {
        "answered": Tally.answered,
        "first": Tally.first,
        "last": Tally.last,
        "times": Tally.times,
        "ages": [round(ages[int(len(ages) * share)] * 1000, 1) for share in (0.5, 0.95, 0.99)]
        if ages
        else [],
    }
    print(json.dumps(found), flush=True)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, report)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

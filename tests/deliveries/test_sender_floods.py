"""Receivers that flood: the deadline holds, memory stays flat, and nobody else waits."""

import asyncio
import time
import tracemalloc

import pytest

from deliveries.connector import MOST_INTERIM
from deliveries.outcome import Outcome
from deliveries.sender import Sender
from tests.deliveries.receiver import Behaviour, answers, receiving, repeats, says
from tests.deliveries.test_sender import LOOPBACK, NOW, send

DEADLINE = 1.0
OK = b"HTTP/1.1 200 OK\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\nContent-Length: 104857600\r\n\r\n\x1f\x8b\x08"


async def send_beside(url: str, neighbour: str) -> tuple[Outcome, float, Outcome, float]:
    """What came of the first and after how long; the same of a neighbour that is sent to meanwhile."""
    sender = Sender(allowed=LOOPBACK, timeout=DEADLINE)
    began = time.perf_counter()

    async def one(url: str, *, after: float) -> tuple[Outcome, float]:
        await asyncio.sleep(after)
        return await sender.send(url, b"{}", {}, now=NOW), time.perf_counter() - began - after

    try:
        first, second = await asyncio.gather(one(url, after=0), one(neighbour, after=0.05))
    finally:
        await sender.close()
    return *first, *second


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (repeats(b"x" * 65536, first=OK + b"\r\n"), "delivered"),
        (repeats(b"\x00" * 65536, first=GZIP), "delivered"),
        (repeats(b"X-A: b\r\n" * 1000, first=OK), "broken"),
        (repeats(b"x" * 65536, first=OK + b"X-A: "), "broken"),
        (repeats(b"\x00\xff" * 32768), "broken"),
        (repeats(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000), "broken"),
    ],
    ids=["body", "gzip of 100 MB", "headers", "one header", "garbage", "1xx"],
)
def test_a_flood_is_cut_off_and_no_neighbour_waits(behaviour: Behaviour, kind: str) -> None:
    tracemalloc.start()
    try:
        with receiving(behaviour) as receiver, receiving(answers(204)) as good:
            outcome, took, neighbour, waited = asyncio.run(send_beside(receiver.url, good.url))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (outcome.kind, neighbour.kind) == (kind, "delivered")
    assert took < DEADLINE + 1
    assert waited < DEADLINE
    assert peak < 8 * 1024 * 1024


def test_interim_answers_are_read_over() -> None:
    some = b"HTTP/1.1 103 Early Hints\r\n\r\n" * MOST_INTERIM + b"HTTP/1.1 204 No\r\n\r\n"
    with receiving(says(some)) as receiver, receiving(answers(204)) as good:
        outcome, *_ = asyncio.run(send_beside(receiver.url, good.url))
    assert (outcome.kind, outcome.status_code) == ("delivered", 204)


def test_interim_answers_of_one_answer_do_not_count_for_the_next() -> None:
    some = b"HTTP/1.1 100 Go On\r\n\r\n" * MOST_INTERIM + b"HTTP/1.1 204 No\r\n\r\n"
    with receiving(says(some)) as receiver:
        assert [outcome.kind for outcome in send(*[receiver.url] * 3)] == ["delivered"] * 3
    assert receiver.connections == 1

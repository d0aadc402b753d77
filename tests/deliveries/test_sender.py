"""Sending to receivers that misbehave: whatever they do is an outcome."""

import asyncio
import ipaddress
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from deliveries.outcome import Outcome
from deliveries.sender import MOST_ANSWER, Sender
from tests.deliveries.receiver import (
    Behaviour,
    Conversation,
    answers,
    drips,
    hangs,
    in_turn,
    receiving,
    repeats,
    says_and_hangs_up,
)

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
ENDED = "The connection ended before the answer did."
NOT_HTTP = "What came back is not HTTP."


def send(*urls: str, allowed: list[Any] = LOOPBACK, timeout: float = 5.0) -> list[Outcome]:
    """What came of each, one after the other, by one sender."""

    async def run() -> list[Outcome]:
        sender = Sender(allowed=allowed, timeout=timeout)
        try:
            return [await sender.send(url, b"{}", {"X-A": "b"}, now=NOW) for url in urls]
        finally:
            await sender.close()

    return asyncio.run(run())


def outcome_of(behaviour: Behaviour, *, timeout: float = 5.0) -> Outcome:
    with receiving(behaviour) as receiver:
        (outcome,) = send(receiver.url, timeout=timeout)
    return outcome


# --- Answers ------------------------------------------------------------------------------------------------------


def test_what_is_sent_is_what_arrives() -> None:
    with receiving(answers(204)) as receiver:
        send(receiver.url)
    (request,) = receiver.requests
    assert (request.target, request.body) == ("/hooks?a=b", b"{}")
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-length": "2",
        "content-type": "application/octet-stream",
        "user-agent": request.headers["user-agent"],
        "x-a": "b",
    }


def test_the_answer_is_kept() -> None:
    assert outcome_of(answers(201, "thanks", X_Trace="7")) == Outcome(
        "delivered", 201, headers={"Content-Length": "6", "X-Trace": "7"}, body="thanks"
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving(answers(status, Location="/elsewhere")) as receiver:
        (outcome,) = send(receiver.url)
    assert len(receiver.requests) == 1
    assert outcome.error == f"The receiver answered {status}; redirects are not followed."


def test_of_an_endless_answer_16_kib_are_kept_and_no_more_is_read() -> None:
    outcome = outcome_of(repeats(b"x" * 4096, first="HTTP/1.1 200 OK\r\n\r\n"))
    assert (outcome.kind, outcome.body) == ("delivered", "x" * MOST_ANSWER)


def test_an_answer_of_exactly_16_kib_is_whole() -> None:
    assert outcome_of(answers(500, "x" * MOST_ANSWER)).body == "x" * MOST_ANSWER


def test_a_compressed_answer_is_not_unpacked() -> None:
    outcome = outcome_of(answers(200, b"\x1f\x8b\x08" + b"\x00" * 30_000, Content_Encoding="gzip"))
    assert outcome.kind == "delivered"
    assert len(outcome.body) == MOST_ANSWER


def test_what_can_not_be_stored_is_replaced() -> None:
    assert outcome_of(answers(200, b"a\x00\xff\xed\xa0\x80b")).body == "a\ufffd\ufffd\ufffd\ufffd\ufffdb"


def test_headers_that_can_not_be_stored_are_replaced() -> None:
    outcome = outcome_of(says_and_hangs_up(b"HTTP/1.1 204 No\r\nX-A: a\xff\xc3\xa9b\r\n\r\n"))
    assert outcome.headers["X-A"].encode()
    assert outcome.kind == "delivered"


def test_of_headers_50_are_kept_each_cut_at_1000_characters() -> None:
    many = {f"X_{number}": "v" * 2000 for number in range(60)}
    headers = outcome_of(answers(204, **many)).headers
    assert len(headers) == 50
    assert headers["X-0"] == "v" * 1000


def test_cookies_are_not_kept() -> None:
    with receiving(answers(204, Set_Cookie="a=b; Path=/")) as receiver:
        send(receiver.url, receiver.url)
    assert [request.headers.get("cookie") for request in receiver.requests] == [None, None]


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    assert outcome_of(answers(204)).kind == "delivered"


def test_a_retry_after_is_measured_from_the_attempt() -> None:
    outcome = outcome_of(answers(503, Retry_After="Sat, 31 Jan 2026 12:02:00 GMT"))
    assert outcome.retry_after == 120.0


# --- No answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (hangs, None),
        (drips("HTTP/1.1 200 OK\r\nX: "), None),
        (drips("x", first=HEAD), 200),
        (drips("1\r\nx\r\n", first="HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"), 500),
        (drips("HTTP/1.1 100 Continue\r\n\r\n", first="HTTP/1.1 102 Wait\r\n\r\n"), None),
    ],
    ids=["no byte", "dripped header", "dripped body", "dripped chunks", "1xx for ever"],
)
def test_the_deadline_counts_to_the_last_byte(behaviour: Behaviour, status: int | None) -> None:
    began = time.perf_counter()
    outcome = outcome_of(behaviour, timeout=0.3)
    assert 0.25 < time.perf_counter() - began < 2.0
    begun = f" It had begun to answer, with {status}." if status else ""
    assert outcome == Outcome("timeout", status, f"No whole answer within 0.3 s.{begun}")


def test_a_flood_of_1xx_does_not_last_longer_than_the_deadline() -> None:
    began = time.perf_counter()
    outcome = outcome_of(repeats("HTTP/1.1 100 Continue\r\n\r\n"), timeout=0.3)
    assert time.perf_counter() - began < 3.0
    assert outcome.kind in ("timeout", "broken")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", ENDED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ENDED),
        (b"\x00\xff\x16\x03 garbage\r\n\r\n", NOT_HTTP),
        (b"SSH-2.0-OpenSSH_9.6\r\n", NOT_HTTP),
        (b"HTTP/1.1 twohundred OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n", NOT_HTTP),
    ],
    ids=["nothing", "half a header", "garbage", "ssh", "no number", "a long header", "no length"],
)
def test_what_is_not_http_is_broken(text: bytes, error: str) -> None:
    outcome = outcome_of(says_and_hangs_up(text))
    assert (outcome.kind, outcome.error) == ("broken", error)


@pytest.mark.parametrize("text", [HEAD + "x", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"])
def test_an_answer_that_breaks_off_is_broken(text: str) -> None:
    outcome = outcome_of(says_and_hangs_up(text))
    assert (outcome.kind, outcome.status_code, outcome.error) == ("broken", 200, ENDED)


def test_a_port_where_nobody_listens_is_unreachable(closed_port: int) -> None:
    (outcome,) = send(f"http://127.0.0.1:{closed_port}/")
    assert outcome == Outcome("unreachable", error="No connection: Connection refused.")


def test_plain_http_where_tls_was_expected_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(answer_in_plain_text, server)
        (outcome,) = send(f"https://127.0.0.1:{server.getsockname()[1]}/")
    assert outcome == Outcome("unreachable", error="The TLS handshake failed.")


def answer_in_plain_text(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(10_000)


# --- Kept connections ---------------------------------------------------------------------------------------------


def test_a_connection_is_kept_for_the_next() -> None:
    with receiving(answers(204)) as receiver:
        send(*[receiver.url] * 3)
    assert (len(receiver.requests), receiver.connections) == (3, 1)


def closes_kept_connections(conversation: Conversation) -> None:
    """Answers the first request of each connection; hangs up on a second."""
    if conversation.number > 1:
        conversation.hang_up()
    else:
        answers(204)(conversation)


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failed_attempt() -> None:
    with receiving(closes_kept_connections) as receiver:
        outcomes = send(*[receiver.url] * 3)
    assert [outcome.kind for outcome in outcomes] == ["delivered"] * 3


def test_a_kept_connection_that_is_reset_is_no_failed_attempt() -> None:
    """Hung up on without having been asked: what is sent then meets a reset, in the middle of being written or read."""

    def answers_and_hangs_up(conversation: Conversation) -> None:
        answers(204)(conversation)
        conversation.hang_up()

    with receiving(answers_and_hangs_up) as receiver:
        outcomes = send(*[receiver.url] * 20)
    assert [outcome.kind for outcome in outcomes] == ["delivered"] * 20


def test_a_kept_connection_that_is_reset_in_the_middle_of_an_answer_is_a_failed_attempt() -> None:
    def stops(conversation: Conversation) -> None:
        if conversation.number > 1:
            conversation.say("HTTP/1.1 2")
            conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conversation.hang_up()
        else:
            answers(204)(conversation)

    with receiving(stops) as receiver:
        outcomes = send(receiver.url, receiver.url)
    assert ([outcome.kind for outcome in outcomes], len(receiver.requests)) == (["delivered", "broken"], 2)


def test_many_kept_connections_that_were_closed_meanwhile_are_no_failed_attempt() -> None:
    async def run(url: str) -> Outcome:
        sender = Sender(allowed=LOOPBACK, timeout=1.0)
        await asyncio.gather(*(sender.send(url, b"{}", {}, now=NOW) for _ in range(5)))
        try:
            return await sender.send(url, b"{}", {}, now=NOW)
        finally:
            await sender.close()

    with receiving(closes_kept_connections) as receiver:
        assert asyncio.run(run(receiver.url)).kind == "delivered"


def test_a_new_connection_that_is_closed_is_a_failed_attempt() -> None:
    with receiving(in_turn(says_and_hangs_up(b""), answers(204))) as receiver:
        (outcome,) = send(receiver.url)
    assert (outcome.kind, len(receiver.requests)) == ("broken", 1)

"""How long the steps of a send took: each is told where it came about, and nowhere else."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from deliveries.outcome import Outcome
from deliveries.progress import NOTHING_TIMED, Progress, Timings
from deliveries.sender import Sender
from tests.deliveries import test_sender_tls as tls
from tests.deliveries.receiver import Conversation, answers, hangs, in_turn, receiving
from tests.deliveries.test_sender import LOOPBACK, closes_kept_connections, outcome_of, send

SLOW = 0.5  # seconds


def happened(outcome: Outcome) -> tuple[bool, bool, bool, bool]:
    """Of lookup, connection, TLS and first byte: which were timed."""
    dns, connect, handshake, first_byte = (took is not None for took in outcome.timings)
    return dns, connect, handshake, first_byte


def answers_late(conversation: Conversation) -> None:
    conversation.end.wait(SLOW)
    answers(204)(conversation)


def test_a_new_connection_and_one_that_was_kept() -> None:
    with receiving(answers(204)) as receiver:
        first, second = send(receiver.url, receiver.url)
    assert happened(first) == (False, True, False, True)
    assert happened(second) == (False, False, False, True)


def test_the_first_byte_is_waited_for() -> None:
    took = outcome_of(answers_late).timings
    assert took.first_byte_ms is not None
    assert took.connect_ms is not None
    assert took.first_byte_ms >= SLOW * 1000 > took.connect_ms


def test_each_send_on_a_kept_connection_has_a_first_byte_of_its_own() -> None:
    with receiving(in_turn(answers_late, answers(204))) as receiver:
        slow, quick = send(receiver.url, receiver.url)
    assert receiver.connections == 1
    assert slow.timings.first_byte_ms is not None
    assert quick.timings.first_byte_ms is not None
    assert slow.timings.first_byte_ms >= SLOW * 1000 > quick.timings.first_byte_ms


def test_an_answer_that_never_comes_has_no_first_byte() -> None:
    outcome = outcome_of(hangs, timeout=0.3)
    assert (outcome.kind, happened(outcome)) == ("timeout", (False, True, False, False))


def test_an_answer_that_stops_had_a_first_byte() -> None:
    outcome = outcome_of(
        lambda conversation: conversation.say("HTTP/1.1 2") and hangs(conversation), timeout=0.3
    )
    assert (outcome.kind, happened(outcome)) == ("timeout", (False, True, False, True))


def test_a_kept_connection_that_was_closed_is_made_anew_and_timed() -> None:
    with receiving(closes_kept_connections) as receiver:
        _, second = send(receiver.url, receiver.url)
    assert receiver.connections == 2
    assert happened(second) == (False, True, False, True)


def test_a_name_is_looked_up() -> None:
    with receiving(answers(204)) as receiver:
        (outcome,) = send(f"http://localhost:{receiver.port}/")
    assert happened(outcome) == (True, True, False, True)


def test_a_name_that_does_not_resolve_was_looked_up() -> None:
    (outcome,) = send("http://nowhere.invalid/")
    assert (outcome.kind, happened(outcome)) == ("unreachable", (True, False, False, False))


def test_nothing_is_timed_of_a_call_that_is_not_made(closed_port: int) -> None:
    (forbidden,) = send("http://127.0.0.1/", allowed=[])
    (refused,) = send(f"http://127.0.0.1:{closed_port}/")
    assert (forbidden.kind, forbidden.timings) == ("forbidden", NOTHING_TIMED)
    assert (refused.kind, refused.timings) == ("unreachable", NOTHING_TIMED)


@contextmanager
def shaking_hands_late(folder: Path) -> Iterator[int]:
    """The port of a server that accepts at once, and takes its time over TLS."""
    pem = serialization.Encoding.PEM
    certificate, key = tls.certificate(by=tls.AUTHORITY)
    kept = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem) + kept)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")

    def answer() -> None:
        plain, _ = server.accept()
        # It has begun to shake hands: so it has connected, and noted that.
        plain.recv(1, socket.MSG_PEEK)
        threading.Event().wait(SLOW)
        with context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_tls_is_told_from_tcp(tmp_path: Path) -> None:
    with shaking_hands_late(tmp_path) as port:
        outcome = tls.send(port)
    assert (outcome.kind, happened(outcome)) == ("delivered", (False, True, True, True))
    assert outcome.timings.tls_ms is not None
    assert outcome.timings.connect_ms is not None
    assert outcome.timings.tls_ms >= SLOW * 1000 > outcome.timings.connect_ms


def test_a_handshake_that_fails_is_no_tls(tmp_path: Path) -> None:
    with tls.serving(tls.certificate(by=tls.STRANGER), tmp_path) as port:
        outcome = tls.send(port)
    assert (outcome.kind, happened(outcome)) == ("unreachable", (False, True, False, False))


def test_sends_at_once_are_told_apart() -> None:
    """Each of its own: what the loop tells of a connection must not be noted of another send."""

    async def run(slow: str, quick: str) -> list[Outcome]:
        sender = Sender(allowed=LOOPBACK, timeout=5.0)
        try:
            sends = (sender.send(url, b"{}", {}, now=datetime.now(UTC)) for url in (slow, quick))
            return await asyncio.gather(*sends)
        finally:
            await sender.close()

    with receiving(answers_late) as late, receiving(answers(204)) as soon:
        slow, quick = asyncio.run(run(late.url, soon.url))
    assert slow.timings.first_byte_ms is not None
    assert quick.timings.first_byte_ms is not None
    assert slow.timings.first_byte_ms >= SLOW * 1000 > quick.timings.first_byte_ms


def test_seconds_are_told_in_whole_milliseconds() -> None:
    progress = Progress(
        dns=0.0124, connecting_at=1.0, connected_at=1.0306, secured_at=1.1, asking_at=2.0, first_byte_at=4.5
    )
    assert progress.timings == Timings(12, 31, 69, 2500)

"""The API behind the real server, where bodies come over a socket."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from events.models import Event, OnceKey
from organizations.models import Organization
from tests.concurrency import open_transaction, until_somebody_waits_for_a_lock
from tests.conftest import tenant
from tests.factories import ahead
from triggers_project.local.embedded import free_port

ROOT = Path(__file__).resolve().parents[2]
BODY = b'{"type": "a", "payload": 1}'


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[int]:
    """Granian as in production, on this run's test database: its port."""
    with granian() as (port, _):
        yield port


@contextmanager
def granian() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port, name = free_port(), str(connection.settings_dict["NAME"])
    options = f"--interface rsgi --port {port} --no-ws".split()
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "triggers_project.rsgi:application"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": settings.DATABASE_URL.rpartition("/")[0] + f"/{name}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_it_listens(port)
        yield port, process
    finally:
        process.terminate()
        process.wait(20)


def until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("granian does not listen")


@pytest.fixture(params=["a key that is new to it", "a key that it knows"])
def key(server: int, committed: None, request: pytest.FixtureRequest) -> str:
    """A tenant's, whose calls Django answers at first, and then the fast lane."""
    acme = tenant("Acme")
    Organization.objects.update(inbox_only=True)
    if "knows" in request.param:
        for _ in range(2):
            assert talk(server, "X-Nothing: 1", key=acme.key)[0] == 400
    return acme.key


def talk(port: int, head: str, *parts: bytes, key: str, hang_up: bool = False) -> tuple[int, bytes]:
    """Sends a POST with these headers and what follows; the status and all of the answer."""
    lines = ["POST /api/events HTTP/1.1", "Host: localhost", f"X-API-Key: {key}", "Connection: close"]
    lines += ["Content-Type: application/json", head]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        try:
            for part in parts:
                client.sendall(part)
            if hang_up:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it answers, and reads no further
        return answer_of(client)


def answer_of(client: socket.socket) -> tuple[int, bytes]:
    received = b""
    try:
        while part := client.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    return int(received.split(b" ", 2)[1]) if received else 0, received


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_a_plain_body_is_accepted(server: int, key: str) -> None:
    status, _ = talk(server, f"Content-Length: {len(BODY)}", BODY, key=key)
    assert status == 202
    assert Event.objects.get().type == "a"


def test_a_chunked_body_is_accepted(server: int, key: str) -> None:
    parts = [chunk(BODY[:5]), chunk(BODY[5:]), b"0\r\n\r\n"]
    status, answer = talk(server, "Transfer-Encoding: chunked", *parts, key=key)
    assert status == 202, answer
    assert Event.objects.get().payload == 1


def test_a_chunked_body_over_the_limit_is_refused_before_it_ends(server: int, key: str) -> None:
    parts = [chunk(b'"' + b"x" * 65_536)] * 5
    status, answer = talk(server, "Transfer-Encoding: chunked", *parts, key=key)
    assert (status, b"payload_too_large" in answer) == (413, True)
    assert not Event.objects.exists()


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(server: int, key: str) -> None:
    status, answer = talk(server, "Content-Length: 1000000000", key=key)
    assert (status, b"payload_too_large" in answer) == (413, True)


def test_a_body_that_ends_before_its_length_stores_nothing(server: int, key: str) -> None:
    status, _ = talk(server, f"Content-Length: {len(BODY) + 10}", BODY, key=key, hang_up=True)
    assert status in (0, 400)  # there may be nobody left to tell
    assert not Event.objects.exists()


def test_a_chunked_body_that_breaks_off_stores_nothing(server: int, key: str) -> None:
    status, _ = talk(server, "Transfer-Encoding: chunked", chunk(BODY[:-1]), key=key, hang_up=True)
    assert status in (0, 400)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: -1",
        "Content-Length: five",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: gibberish",
    ],
)
def test_a_length_that_is_none_is_refused(server: int, key: str, head: str) -> None:
    status, _ = talk(server, head, BODY, key=key, hang_up=True)
    assert 400 <= status < 500
    assert not Event.objects.exists()


def test_a_length_that_comes_twice_is_one(server: int, key: str) -> None:
    head = f"Content-Length: {len(BODY)}\r\nContent-Length: {len(BODY)}"
    status, answer = talk(server, head, BODY, key=key)
    assert status == 202, answer


def test_a_length_beside_chunks_does_not_count(server: int, key: str) -> None:
    parts = [chunk(BODY), b"0\r\n\r\n"]
    status, _ = talk(server, "Content-Length: 3\r\nTransfer-Encoding: chunked", *parts, key=key)
    assert status in (202, 400)
    assert Event.objects.count() == (1 if status == 202 else 0)


def test_a_body_without_length_is_empty(server: int, key: str) -> None:
    status, answer = talk(server, "X-Nothing: 1", key=key)
    assert (status, b"malformed_body" in answer) == (400, True)


def test_who_is_refused_while_still_writing_hears_it(server: int, key: str) -> None:
    client = http.client.HTTPConnection("127.0.0.1", server, timeout=10)
    heard = []
    for _ in range(20):
        client.request("PUT", "/api/events", b"x" * 250_000, {"X-API-Key": key, "Host": "localhost"})
        answer = client.getresponse()
        answer.read()
        heard.append(answer.status)
    client.close()
    assert heard == [405] * 20


def test_who_dawdles_is_in_nobodys_way(server: int, key: str) -> None:
    """More of them than there are threads for Django: each has sent a part of its body."""
    head = f"POST /api/events HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with ExitStack() as held:
        for path in ["/api/events"] * 40 + ["/api/keys/rotate"] * 40:
            client = held.enter_context(socket.create_connection(("127.0.0.1", server), timeout=10))
            client.sendall(head.replace("/api/events", path).encode())
        assert talk(server, f"Content-Length: {len(BODY)}", BODY, key=key)[0] == 202


def test_what_is_being_accepted_when_it_is_told_to_end_is_answered(key: str) -> None:
    """The event waits for a dedup id that another transaction holds, and does not let go yet."""
    body = b'{"type": "a", "payload": 1, "dedup_id": "d"}'
    with granian() as (port, process), ThreadPoolExecutor(1) as threads:
        for _ in range(2):
            talk(port, "X-Nothing: 1", key=key)
        with open_transaction():
            organization = Organization.objects.get()
            OnceKey.objects.create(
                organization=organization,
                kind="dedup",
                key="d",
                event_id=organization.pk,
                expires_at=ahead(days=1),
            )
            answer = threads.submit(talk, port, f"Content-Length: {len(body)}", body, key=key)
            until_somebody_waits_for_a_lock()
            process.terminate()
            time.sleep(0.5)
            assert not answer.done()
        status, content = answer.result(20)
    assert status == 202, content
    assert Event.objects.get().dedup_id == "d"

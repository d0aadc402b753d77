"""The API behind the real server, where bodies come over a socket."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from events.models import Event
from organizations.models import Organization
from tests.conftest import tenant
from triggers_project.local.embedded import free_port

ROOT = Path(__file__).resolve().parents[2]
BODY = b'{"type": "a", "payload": 1}'


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[int]:
    """Granian as in production, on this run's test database: its port."""
    port, name = free_port(), str(connection.settings_dict["NAME"])
    options = f"--interface wsgi --port {port} --no-ws --blocking-threads 2".split()
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "triggers_project.wsgi:application"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": settings.DATABASE_URL.rpartition("/")[0] + f"/{name}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_it_listens(port)
        yield port
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


@pytest.fixture
def key(committed: None) -> str:
    acme = tenant("Acme")
    Organization.objects.update(inbox_only=True)
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

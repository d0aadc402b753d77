"""A receiver on 127.0.0.1 that answers as a test tells it to, byte by byte, however badly."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.db import connections

Behaviour = Callable[["Conversation"], None]


@dataclass(frozen=True)
class Request:
    """What came: `target` as in the request line; header names in lower case; `connection` counts from 1."""

    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Conversation:
    """One connection, after a request was read from it: the `number`th on it."""

    socket: socket.socket
    request: Request
    number: int
    end: threading.Event
    hung_up: bool = False

    def say(self, text: str | bytes) -> bool:
        """Sends it. False when nobody listens any more."""
        try:
            self.socket.sendall(text if isinstance(text, bytes) else text.encode())
        except OSError:
            return False
        return True

    def drip(self, text: str | bytes, *, every: float = 0.02) -> None:
        """Sends one byte at a time, over and over, as long as somebody listens."""
        raw = text if isinstance(text, bytes) else text.encode()
        while not self.end.is_set():
            for byte in raw:
                if self.end.wait(every) or not self.say(bytes([byte])):
                    return

    def hang_up(self) -> None:
        self.hung_up = True


class Receiver:
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.connections = 0
        self.end = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.server.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?a=b"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, which: int) -> None:
        try:
            with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError, UnicodeError):
                self._converse(connection, stream, which)
        finally:
            connections.close_all()  # a behaviour may have asked the database

    def _converse(self, connection: socket.socket, stream: BinaryIO, which: int) -> None:
        number = 0
        while not self.end.is_set() and (request := read_request(stream, which)):
            number += 1
            self.requests.append(request)
            conversation = Conversation(connection, request, number, self.end)
            self.behaviour(conversation)
            if conversation.hung_up:
                return

    def stop(self) -> None:
        self.end.set()
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for thread in self.threads:
            thread.join(5)


def read_request(stream: BinaryIO, which: int) -> Request | None:
    line = stream.readline()
    if not line:
        return None
    headers = {}
    if not line.endswith(b" HTTP/1.1\r\n"):
        return None
    while (header := stream.readline().strip()) != b"":
        name, _, value = header.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Request(line.decode().split(" ")[1], headers, body, which)


@contextlib.contextmanager
def receiving(behaviour: Behaviour) -> Iterator[Receiver]:
    receiver = Receiver(behaviour)
    receiver.threads[0].start()
    try:
        yield receiver
    finally:
        receiver.stop()


# --- Behaviours ---------------------------------------------------------------------------------------------------


def answers(status: int, body: str | bytes = b"", **headers: str) -> Behaviour:
    """A proper answer; in names of headers _ stands for -."""
    raw = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return lambda conversation: conversation.say(head + raw)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request gets the first, and so on; the last goes on for ever."""
    left = list(behaviours)

    def answer(conversation: Conversation) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(conversation)

    return answer


def says(text: bytes) -> Behaviour:
    return lambda conversation: conversation.say(text)


def says_and_hangs_up(text: str | bytes) -> Behaviour:
    def answer(conversation: Conversation) -> None:
        conversation.say(text)
        conversation.hang_up()

    return answer


def hangs(conversation: Conversation) -> None:
    """Never answers."""
    conversation.end.wait(10)


def repeats(text: str | bytes, *, first: str | bytes = b"") -> Behaviour:
    """Floods, as long as somebody listens."""

    def answer(conversation: Conversation) -> None:
        conversation.say(first)
        while not conversation.end.is_set() and conversation.say(text):
            pass

    return answer


def drips(text: str | bytes, *, first: str | bytes = b"") -> Behaviour:
    def answer(conversation: Conversation) -> None:
        conversation.say(first)
        conversation.drip(text)

    return answer

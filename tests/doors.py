"""Calling the API through what granian serves: the fast lane where the call is one for it, else Django.

A test's own transaction is seen by the lane's threads: they use its connection, while its thread waits.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from events import api_fast
from organizations.authentication import presented_key
from organizations.verification import find_key
from triggers_project.bodies import DeclaredBody
from triggers_project.web import django_door
from triggers_project.web.application import Application

HANDLER = DeclaredBody(WSGIHandler())


class Headers:
    """As granian hands them over: a name may come twice, and then the first is the one that is got; of what is not
    ASCII there is only the name."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.names = {name.lower() for name, _ in pairs}
        self.pairs = [(name.lower(), value) for name, value in pairs if value.isascii()]

    def keys(self) -> list[str]:
        return list(self.names)

    def items(self) -> list[tuple[str, str]]:
        return self.pairs

    def get(self, name: str, default: str | None = None) -> str | None:
        return next((value for found, value in self.pairs if found == name), default)

    def __contains__(self, name: str) -> bool:
        return name in self.names


class Scope:
    http_version, scheme, authority = "1.1", "http", None
    server, client = "127.0.0.1:8000", "127.0.0.1:50000"

    def __init__(self, method: str, path: str, headers: list[tuple[str, str]]) -> None:
        self.method, self.headers = method, Headers(headers)
        self.path, _, self.query_string = path.partition("?")


class Exchange:
    """A request's body, in parts, and the answer to it."""

    status = 0
    headers: list[tuple[str, str]] = []
    content = b""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)

    async def __call__(self) -> bytes:
        return b"".join(self.parts)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part

    def response_bytes(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.status, self.headers, self.content = status, headers, content

    @property
    def response(self) -> HttpResponse:
        answer = HttpResponse(self.content, status=self.status)
        del answer.headers["Content-Type"]
        for name, value in self.headers:
            answer.headers[name] = value
        answer.json = lambda: __import__("json").loads(self.content)  # type: ignore[attr-defined]
        return answer


class Dawdling(Exchange):
    """Sends its parts, and then nothing more, for ever."""

    async def __call__(self) -> bytes:
        return await asyncio.Event().wait() or b""

    async def __aiter__(self) -> Any:
        for part in self.parts:
            yield part
        await asyncio.Event().wait()


class Waiting(ThreadPoolExecutor):
    """What nobody waits for, such as a key's state that is read ahead, ends before the test goes on."""

    def shutdown(self, wait: bool = True, **options: Any) -> None:
        super().shutdown(wait=True, **options)


@contextmanager
def application() -> Iterator[Application]:
    """One whose threads use this thread's database connection."""
    connection = connections["default"]
    connection.inc_thread_sharing()

    def threads(count: int, **options: Any) -> ThreadPoolExecutor:
        def share() -> None:
            connections["default"] = connection

        return Waiting(count, initializer=share, **options)

    try:
        with (
            mock.patch.multiple(api_fast, ThreadPoolExecutor=threads),
            mock.patch.multiple(django_door, ThreadPoolExecutor=threads),
        ):
            made = Application(HANDLER)
        # Within a test's transaction Django would take the connection for one that somebody left behind.
        with (
            mock.patch.object(connection, "close_if_unusable_or_obsolete")
            if connection.in_atomic_block
            else nullcontext(),
        ):
            yield made
        made.close()
    finally:
        connection.dec_thread_sharing()


def exchange(*calls: tuple[Scope, Exchange]) -> list[HttpResponse]:
    """The answers to calls that are made at the same time. Valid keys are known before."""
    for scope, _ in calls:
        find_key(presented_key(dict(scope.headers.items())), caller="127.0.0.1")
    with application() as made:

        async def make_all() -> None:
            await asyncio.gather(*(made.__rsgi__(scope, proto) for scope, proto in calls))

        asyncio.run(make_all())
    return [proto.response for _, proto in calls]


def call(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[Scope, Exchange]:
    """For `exchange`."""
    length = {"Content-Length": str(len(body))} if body else {}
    pairs = {"Host": "localhost", **length, **headers}
    return Scope(method, path, list(pairs.items())), Exchange(body)


def through_granian(
    client: Client, method: str, path: str, body: bytes, content_type: str, headers: dict[str, str]
) -> HttpResponse:
    """For `Caller`."""
    presented = {
        name.removeprefix("HTTP_").replace("_", "-"): value for name, value in client.defaults.items()
    }
    kind = {"Content-Type": content_type} if content_type else {}
    return exchange(call(method, path, body, {**presented, **kind, **headers}))[0]

"""Calling the API as a client does, through all of Django, without a socket."""

from typing import Any

import msgspec
from django.http import HttpResponse
from django.test import Client


class Caller:
    """`api.post("/api/events", {...})`. An exception in a view is an answer, as it is for real callers."""

    def __init__(self, key: str | None = None) -> None:
        self.client = Client(raise_request_exception=False, headers={"X-API-Key": key} if key else {})

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> HttpResponse:
        return self.client.get(path, query, headers=headers)

    def post(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> HttpResponse:
        """`body`: bytes as they are, anything else as JSON, nothing when it is left out."""
        return self.send("POST", path, body, headers=headers)

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        data = b"" if body is None else body if isinstance(body, bytes) else encoded(body)
        return Caller.through(self.client, method, path, data, content_type, headers or {})

    @staticmethod
    def through(
        client: Client, method: str, path: str, body: bytes, content_type: str, headers: dict[str, str]
    ) -> HttpResponse:
        """Django's door; the fixture `door` exchanges it."""
        return client.generic(method, path, body, content_type=content_type, headers=headers)


def encoded(body: Any) -> bytes:
    return msgspec.json.encode(body, enc_hook=str)


def pointers(response: HttpResponse) -> list[str]:
    """Where a 422 says that something is wrong."""
    return [error["pointer"] for error in response.json()["errors"]]

"""Django behind granian's RSGI: its WSGI application in threads, which wait for no slow client."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings

from triggers_project.bodies import LARGEST_BODY
from triggers_project.web.bodies import IncomingBody
from triggers_project.web.room import with_room

# Few would answer as fast: they share one interpreter lock. But one that asks the database for long is held.
THREADS = 32

Headers = list[tuple[str, str]]


class DjangoDoor:
    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._called = with_room(self._call)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="django")

    async def answer(self, scope: Any, proto: Any, body: IncomingBody) -> None:
        """Calls Django with the request, and sends what it answers. BodyTooSlow: it is not to be called."""
        if (body.declared or 0) <= self._read_ahead(scope.path):
            await body.receive(self._read_ahead(scope.path))
        environ = environ_of(scope, body)
        loop = asyncio.get_running_loop()
        status, headers, content = await loop.run_in_executor(self._threads, self._called, environ)
        proto.response_bytes(status, headers, content)

    def _read_ahead(self, path: str) -> int:
        """How large a body may say it is to be waited for here. A larger one may be refused unread."""
        return LARGEST_BODY if path.startswith("/api/") else settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def _call(self, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
        started: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: Headers, exc_info: object = None) -> None:
            started[:] = [(int(status.split(" ", 1)[0]), headers)]

        answer = self._application(environ, start_response)
        try:
            content = b"".join(answer)
        finally:
            if close := getattr(answer, "close", None):
                close()
        status, headers = started[0]
        return status, headers, content

    def close(self) -> None:
        self._threads.shutdown(wait=False)


def environ_of(scope: Any, body: IncomingBody) -> dict[str, Any]:
    """PEP 3333's environ. A header with an underscore in its name is dropped: it would pass for another."""
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body.stream(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    pairs = scope.headers.items()
    dropped = set(scope.headers.keys()) - {
        name for name, _ in pairs
    }  # granian has no value that is not ASCII
    for name, value in [*pairs, *((name, "") for name in dropped)]:
        if "_" in name:
            continue
        variable = name.upper().replace("-", "_")
        if variable not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            variable = f"HTTP_{variable}"
        if variable == "CONTENT_LENGTH":
            environ[variable] = value  # twice only if it says the same (RFC 9112, section 6.3)
        elif variable in environ:
            environ[variable] += f"{'; ' if variable == 'HTTP_COOKIE' else ','}{value}"
        else:
            environ[variable] = value
    if scope.authority:
        environ.setdefault("HTTP_HOST", scope.authority)
    return environ

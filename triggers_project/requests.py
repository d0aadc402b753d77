"""What happens to every request before and after its view: an id, bound logs, one line when it is done."""

import re
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
import uuid_utils
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger(__name__)

_CALLERS_ID = re.compile(r"[\x20-\x7e]{1,128}")
_ID = re.compile(r"(?<=/)[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?=/|$)")
MOST_READ_IN_VAIN = 1024 * 1024  # bytes
_QUIET = ("/health/", "/static/")


def request_id_of(given: str) -> str:
    """The caller's own when it is 1-128 printable ASCII characters, else a new one."""
    return given if given and _CALLERS_ID.fullmatch(given) else str(uuid_utils.uuid4())


class RequestLog:
    """Gives each request its id and its log line.

    The id is on `request.request_id`, in the answer's `X-Request-ID`, and bound to every log line on the way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.headers.get("X-Request-ID", ""))
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        if not request.path.startswith(_QUIET):
            log.info(
                "request.finished",
                method=request.method,
                path=request.path,
                status=response.status_code,
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
            )
        return response


class ReadTheRest:
    """A known caller's body is read to its end, refused or not: who is still writing would not see the answer.

    Not what is too large, of which nothing past the limit may be read, and nothing of who has no key: they may find
    the connection closed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if hasattr(request, "organization") and response.status_code != 413:
            with suppress(OSError):
                left = MOST_READ_IN_VAIN
                while left > 0 and (part := request.read(min(left, 65_536))):
                    left -= len(part)
        return response


class OneSpelling:
    """`/api/events/` is `/api/events`, and an id may have capitals (RFC 9562): the API never redirects. What it answers
    is for its caller alone: no cache on the way keeps it (RFC 9111)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        path = request.path_info.removesuffix("/")
        request.path_info = _ID.sub(lambda found: found[0].lower(), path)
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

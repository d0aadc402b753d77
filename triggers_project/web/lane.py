"""The fast lane: the calls that accept events, answered in the event loop, with one commit for all who call at once.

It is for callers whose key this process knows, with nothing unusual about their request; everybody else is Django's,
and hears the same: what is decided, and in which words, is the same code for both.
"""

import io
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string
from structlog.contextvars import bound_contextvars

from events.accept_trace import AcceptTrace
from events.api_fast import Answered, FastEvents
from events.idempotency import Answer
from events.incoming import LARGEST_BATCH, LARGEST_EVENT
from events.metrics import note_refusal
from organizations.authentication import presented_key
from organizations.middleware import limit_headers
from organizations.models import Organization
from organizations.scopes import EVENTS_WRITE
from organizations.traces import tracing
from triggers_project.problems import problem_of
from triggers_project.requests import request_id_of
from triggers_project.web.bodies import IncomingBody
from triggers_project.web.metrics import Counted, RequestMetrics

Fields = list[tuple[str, str]]  # of a header

JSON_TYPES = {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"}
# Headers of which only Django knows what they mean.
UNUSUAL = frozenset({"origin", "idempotency-key", "expect"})
# The middleware that adds the same headers to every answer.
DECORATING = {
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "triggers_project.requests.OneSpelling",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
}


class Lane:
    """What is decided of a call before it is worked on, and what is done with the answer."""

    def __init__(self) -> None:
        self._events = FastEvents()
        self._log = structlog.get_logger(__name__).bind()
        self._calls = {
            "/api/events": Call(
                "GET, POST, HEAD, OPTIONS",
                LARGEST_EVENT,
                self._events.post_event,
                RequestMetrics("events.api.Events"),
            ),
            "/api/events/batch": Call(
                "POST, OPTIONS", LARGEST_BATCH, self._events.post_batch, RequestMetrics("events.api.Batch")
            ),
        }

    def close(self) -> None:
        """Counts what is not counted yet. Calls that are being worked on are finished."""
        for call in self._calls.values():
            call.metrics.count()
        self._events.close()

    async def answer(self, scope: Any, proto: Any, body: IncomingBody) -> bool:
        """Whether this was a call for the lane, and is answered. If not, the body may have been read in part."""
        call = self._calls.get(scope.path)
        if call is None or scope.method != "POST":
            return False
        began = time.perf_counter()
        pairs = scope.headers.items()
        # What comes twice is there twice, and what is not ASCII is not there.
        if len(pairs) != len(scope.headers.keys()):
            return False
        headers = dict(pairs)
        if not _is_usual(headers) or (body.declared or 0) > call.largest:
            return False
        request = Request(scope.path, headers, began, call, self._log)
        try:
            key = await self._events.known_key(presented_key(headers))
        except Exception as error:  # a database that is away
            proto.response_bytes(*request.told(Answered(None, error), asked=0))
            return True
        if key is None or EVENTS_WRITE not in key.scopes:
            return False
        await body.receive(call.largest)
        if len(body.received) > call.largest or not body.is_whole():
            return False
        proto.response_bytes(*await request.answer(key.organization, body.received))
        return True


class Call(NamedTuple):
    """A path of the lane: the methods it allows, how large its body may be, what does it, and its metrics."""

    allow: str
    largest: int
    work: Callable[[Organization, bytes, dict[str, str], AcceptTrace | None], Awaitable[Answered]]
    metrics: RequestMetrics


class Request:
    """One call of the lane, from its headers to its answer: status, header fields, content."""

    def __init__(self, path: str, headers: dict[str, str], began: float, call: Call, log: Any) -> None:
        self._path, self._headers, self._began, self._call, self._log = path, headers, began, call, log
        self._about = {"request_id": request_id_of(headers.get("x-request-id", ""))}
        self._trace: AcceptTrace | None = None

    async def answer(self, organization: Organization, body: bytes) -> tuple[int, Fields, bytes]:
        self._about["organization_id"] = str(organization.pk)
        if "traceparent" in self._headers or tracing() is not None:
            given = self._headers.get("traceparent")
            self._trace = AcceptTrace(given, path=self._path, began=self._began)
            self._about |= self._trace.log_facts
        return self.told(await self._call.work(organization, body, self._about, self._trace), asked=len(body))

    def told(self, answered: Answered, *, asked: int) -> tuple[int, Fields, bytes]:
        """What is to be sent. The request is counted, and has its line in the log. `asked`: bytes of its body."""
        status, fields, content = _written(answered.outcome, self._about)
        secure = self.secure
        fields += [
            ("x-request-id", self._about["request_id"]),
            ("allow", self._call.allow),
            *headers_of_every_answer(secure=secure),
        ]
        if answered.spending is not None:
            fields += limit_headers(answered.spending).items()
        seconds = time.perf_counter() - self._began
        transport = "https" if secure else "http"
        self._call.metrics.add(Counted(status, transport, seconds, asked, len(content)))
        self._log.info(
            "request.finished",
            method="POST",
            path=self._path,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            **self._about,
        )
        if self._trace is not None:
            self._trace.end(status, organization_id=self._about["organization_id"])
        return status, fields, content

    @property
    def secure(self) -> bool:
        """As Django's `request.is_secure()` has it."""
        if not settings.BEHIND_TLS_PROXY:
            return False
        return self._headers.get("x-forwarded-proto", "").partition(",")[0].strip() == "https"


def _is_usual(headers: Mapping[str, str]) -> bool:
    return (
        headers.get("content-type") in JSON_TYPES
        and UNUSUAL.isdisjoint(headers)
        and _is_our_host(headers.get("host", ""))
    )


@lru_cache(maxsize=256)
def _is_our_host(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _written(outcome: Answer | Exception, about: dict[str, str]) -> tuple[int, Fields, bytes]:
    if isinstance(outcome, Answer):
        return outcome.status_code, [("content-type", "application/json")], outcome.text.encode()
    note_refusal(outcome)
    with bound_contextvars(**about):  # for the line that tells of what is no error of the trade
        problem = problem_of(outcome)
    fields = [("content-type", "application/problem+json"), *problem.headers.items()]
    return problem.status, fields, problem.content(about["request_id"])


@cache
def headers_of_every_answer(*, secure: bool) -> Fields:
    """What Django's middleware puts on each answer of the API, whatever it is: asked of the middleware, once."""
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/events", "wsgi.input": io.BytesIO()}
    request = WSGIRequest({**environ, "HTTP_X_FORWARDED_PROTO": "https" if secure else "http"})
    answer: Callable[[HttpRequest], HttpResponse] = lambda _: HttpResponse()  # noqa: E731 - the innermost of a chain
    for name in reversed(settings.MIDDLEWARE):
        if name in DECORATING:
            answer = import_string(name)(answer)
    return [(name.lower(), value) for name, value in answer(request).items() if name != "Content-Type"]

"""Django's door to the traces of calls that accept events. The fast lane has its own."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from events.accept_trace import AcceptTrace

TRACED = ("/api/events", "/api/events/batch")


class Traced:
    """What the call is in its trace is on `request.accept_trace`, and its id in the lines of the log.

    Of who has no key nothing is told: anybody could fill the collector.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info.removesuffix("/")
        if request.method != "POST" or path not in TRACED:
            return self.get_response(request)
        trace = AcceptTrace(request.headers.get("traceparent"), path=path, began=time.perf_counter())
        request.accept_trace = trace  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(**trace.log_facts)
        response = self.get_response(request)
        organization = getattr(request, "organization", None)
        if organization is not None:
            trace.end(response.status_code, organization_id=str(organization.pk))
        return response


def trace_of(request: HttpRequest) -> AcceptTrace | None:
    found: AcceptTrace | None = getattr(request, "accept_trace", None)
    return found

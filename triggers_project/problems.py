"""Every error over HTTP: one table from the trade's errors to problem+json (RFC 9457), and a page for each code."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import structlog
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from deliveries import errors as deliveries
from events import errors as events
from organizations import errors as organizations
from triggers_project.bodies import JSONOut
from triggers_project.problem_pages import PAGES, Page

log = structlog.get_logger(__name__)

RETRY_AFTER_OUTAGE = 5  # seconds

TABLE: dict[type[Exception], tuple[int, str]] = {
    organizations.MalformedBody: (400, "malformed_body"),
    organizations.InvalidBody: (422, "invalid_body"),
    organizations.InvalidQuery: (422, "invalid_query"),
    organizations.InvalidHeader: (422, "invalid_header"),
    organizations.BodyTooSlow: (408, "request_timeout"),
    organizations.BodyTooLarge: (413, "payload_too_large"),
    organizations.SignupClosed: (403, "signup_closed"),
    organizations.KeyNotFound: (404, "not_found"),
    organizations.KeyEnded: (401, "unauthorized"),
    organizations.ScopeNotHeld: (403, "missing_scope"),
    organizations.TooManyKeys: (409, "too_many_keys"),
    organizations.LastKey: (409, "last_key"),
    organizations.OverLimit: (429, "rate_limited"),
    events.DuplicateEvent: (409, "duplicate_event"),
    events.EventNotFound: (404, "not_found"),
    events.NoEndpoint: (422, "no_endpoint"),
    events.SearchTooBroad: (422, "search_too_broad"),
    events.IdempotencyMismatch: (422, "idempotency_mismatch"),
    events.IdempotencyInFlight: (409, "idempotency_in_flight"),
    deliveries.DeliveryNotFound: (404, "not_found"),
    deliveries.ReplayNotFound: (404, "not_found"),
    deliveries.EndpointNotFound: (404, "not_found"),
    deliveries.TooManyEndpoints: (409, "too_many_endpoints"),
    deliveries.EndpointNotConfigured: (404, "no_endpoint"),
    deliveries.ForbiddenTarget: (422, "forbidden_target"),
    deliveries.InvalidHeaders: (422, "invalid_body"),
    deliveries.InvalidSecret: (422, "invalid_body"),
    deliveries.SecretUnreadable: (500, "secret_unreadable"),
    Http404: (404, "not_found"),
    SuspiciousOperation: (400, "bad_request"),
    exceptions.NotAuthenticated: (401, "unauthorized"),
    exceptions.AuthenticationFailed: (401, "unauthorized"),
    exceptions.PermissionDenied: (403, "missing_scope"),
    exceptions.MethodNotAllowed: (405, "method_not_allowed"),
    exceptions.NotAcceptable: (406, "not_acceptable"),
    exceptions.UnsupportedMediaType: (415, "unsupported_media_type"),
    exceptions.ParseError: (400, "malformed_body"),
    exceptions.ValidationError: (422, "invalid_body"),
    OperationalError: (503, "unavailable"),
    InterfaceError: (503, "unavailable"),
    PoolTimeout: (503, "unavailable"),
}


@dataclass
class Problem:
    """One problem document."""

    status: int
    code: str
    detail: str = ""
    errors: list[dict[str, str]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        page: Page = PAGES[self.code]
        document = {
            "type": f"/problems/{self.code}",
            "title": page.title,
            "status": self.status,
            "detail": self.detail or page.what,
            "code": self.code,
            "request_id": request_id,
        }
        return {
            **document,
            **({"errors": self.errors} if self.errors else {}),
            **self.extra,
        }

    def content(self, request_id: str) -> bytes:
        return JSONOut().render(self.body(request_id))

    def response(self, request: HttpRequest) -> HttpResponse:
        """As an answer of plain Django."""
        answer = HttpResponse(
            self.content(getattr(request, "request_id", "")),
            status=self.status,
            content_type="application/problem+json",
        )
        for name, value in self.headers.items():
            answer.headers[name] = value
        return answer


def answer_exception(error: Exception, context: dict[str, Any]) -> Response:
    """REST framework's EXCEPTION_HANDLER: anything that a view raised, as problem+json."""
    set_rollback()
    problem = problem_of(error)
    request = context["request"]
    answer = Response(
        problem.body(getattr(request, "request_id", "")),
        status=problem.status,
        headers=problem.headers,
    )
    answer.content_type = "application/problem+json"
    return answer


def problem_of(error: Exception) -> Problem:
    """The problem that an exception stands for; a 500, and a line in the log, when it is in no table."""
    row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if row is None:
        log.error("request.failed", exc_info=error)
        return Problem(500, "internal_error")
    status, code = row
    problem = Problem(status, code)
    if isinstance(error, organizations.Refused):
        problem.detail, problem.extra = str(error), dict(error.extra)
    elif isinstance(error, exceptions.APIException) and code not in (
        "unauthorized",
        "missing_scope",
    ):
        problem.detail = "" if isinstance(error.detail, dict | list) else str(error.detail)
    elif code == "missing_scope" and isinstance(error, exceptions.APIException):
        problem.detail = str(error.detail)
    problem.errors = _field_errors(error)
    problem.headers = _headers(error, status)
    if status == 503:
        log.error("request.unavailable", error=type(error).__name__)
    return problem


def _field_errors(error: Exception) -> list[dict[str, str]]:
    if isinstance(error, organizations.InvalidBody):
        places = {organizations.InvalidQuery: "parameter", organizations.InvalidHeader: "header"}
        place = places.get(type(error))
        if place is None:
            return [{"pointer": where, "detail": detail} for where, detail in error.fields]
        return [{"pointer": f"#/{name}", place: name, "detail": detail} for name, detail in error.fields]
    if isinstance(error, exceptions.ValidationError):
        return [{"pointer": pointer, "detail": detail} for pointer, detail in _flattened(error.detail, "#")]
    return []


def _flattened(detail: Any, pointer: str) -> list[tuple[str, str]]:
    if isinstance(detail, dict):
        return [
            row
            for name, inner in detail.items()
            for row in _flattened(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
        ]
    if isinstance(detail, list):
        rows = []
        for index, inner in enumerate(detail):
            rows += _flattened(inner, pointer if isinstance(inner, str) else f"{pointer}/{index}")
        return rows
    return [(pointer, str(detail))]


def _headers(error: Exception, status: int) -> dict[str, str]:
    if isinstance(error, organizations.OverLimit):
        return {"Retry-After": str(error.retry_after)}
    if status == 503:
        return {"Retry-After": str(RETRY_AFTER_OUTAGE)}
    if status == 401:
        return {"WWW-Authenticate": 'Bearer realm="api"'}
    return {}


def only_read(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page or check outside of the API: another method than GET or HEAD is a 405 of the same form as the API's."""

    @csrf_exempt  # whose refusal would come first, and in HTML
    @wraps(view)
    def checked(request: HttpRequest, **values: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return view(request, **values)
        detail = f'Method "{request.method}" not allowed.'
        return Problem(405, "method_not_allowed", detail, headers={"Allow": "GET, HEAD"}).response(request)

    return checked


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return Problem(400, "bad_request").response(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return Problem(404, "not_found", "There is nothing at this address.").response(request)


def internal_error(request: HttpRequest) -> HttpResponse:
    return Problem(500, "internal_error").response(request)

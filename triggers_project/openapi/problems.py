"""Error answers: which codes a call can give, by rule and by table, and how they stand among the components."""

from typing import Any

from drf_spectacular.plumbing import ResolvedComponent

from triggers_project.openapi.headers import ALWAYS, OF_LIMITS, headers
from triggers_project.problem_pages import PAGES
from triggers_project.problems import Problem

Code = tuple[int, str]

ANY_CALL: tuple[Code, ...] = (
    (400, "bad_request"),
    (405, "method_not_allowed"),
    (406, "not_acceptable"),
    (500, "internal_error"),
    (503, "unavailable"),
)
BEFORE_THE_KEY = (400, 401, 408)  # that the request failed so may have shown before its key was looked at
WITH_KEY: tuple[Code, ...] = ((401, "unauthorized"),)
WITH_SCOPE: tuple[Code, ...] = ((403, "missing_scope"),)
WITH_ID: tuple[Code, ...] = ((404, "not_found"),)
WITH_BODY: tuple[Code, ...] = (
    (400, "malformed_body"),
    (408, "request_timeout"),
    (413, "payload_too_large"),
    (415, "unsupported_media_type"),
    (422, "invalid_body"),
)
WITH_QUERY: tuple[Code, ...] = ((422, "invalid_query"),)
WITH_URL: tuple[Code, ...] = ((422, "forbidden_target"),)
ONCE: tuple[Code, ...] = (
    (409, "idempotency_in_flight"),
    (422, "idempotency_mismatch"),
    (422, "invalid_header"),
)
# What follows from no rule: codes of the trade, by the call's operation id.
OF_CALL: dict[str, tuple[Code, ...]] = {
    "generate_key": ((403, "signup_closed"), (429, "rate_limited")),
    "create_key": ((409, "too_many_keys"),),
    "rotate_key": ((409, "too_many_keys"),),
    "delete_key": ((409, "last_key"),),
    "create_endpoint": ((409, "too_many_endpoints"),),
    "set_webhook_config": ((409, "too_many_endpoints"), (500, "secret_unreadable")),
    "get_endpoint_secret": ((500, "secret_unreadable"),),
    "get_webhook_config": ((404, "no_endpoint"),),
    "list_events": ((422, "search_too_broad"),),
    "send_event": ((409, "duplicate_event"), (422, "no_endpoint"), (429, "rate_limited")),
    "send_events": ((422, "no_endpoint"), (429, "rate_limited")),
}
# Calls on the way to which a key can end, though it was let in (`organizations.keys.require_valid`), need no entry:
# they answer 401 as any other.

REQUEST_ID = "01938f2e-6c1b-4a53-9d0e-2f6d0f1c9a77"
_EXTRA: dict[str, dict[str, Any]] = {
    "duplicate_event": {"event_id": "01938f2e-6c1a-7b3e-8f00-4d2f9f0a1b2c"},
    "invalid_body": {"errors": [{"pointer": "#/type", "detail": "This field is required."}]},
    "invalid_query": {
        "errors": [
            {
                "pointer": "#/limit",
                "parameter": "limit",
                "detail": "This is not a whole number from 1 to 200.",
            }
        ]
    },
    "invalid_header": {
        "errors": [
            {
                "pointer": "#/Idempotency-Key",
                "header": "Idempotency-Key",
                "detail": "This takes 1-255 printable ASCII characters.",
            }
        ]
    },
}
_PLACE = {"type": "string", "description": "Where: the name of the query parameter or header."}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Every code has a page at its `type`.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "`/problems/<code>`, a page for people."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "A sentence about this very call."},
        "code": {"type": "string", "description": "Stable, for programs: one of " + ", ".join(f"`{c}`" for c in PAGES)},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Only for invalid fields.",
            "items": {"$ref": "#/components/schemas/FieldProblem"},
        },
        "event_id": {
            "type": "string",
            "format": "uuid",
            "description": "Of `duplicate_event`: the event that was accepted first.",
        },
    },
}  # fmt: skip
FIELD_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["pointer", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "A JSON pointer (RFC 6901) as a URI fragment, such as `#/type`."},
        "parameter": _PLACE,
        "header": _PLACE,
        "detail": {"type": "string"},
    },
}  # fmt: skip


def problem_responses(registry: Any, codes: set[Code], *, with_key: bool) -> dict[str, Any]:
    """`{"409": {"$ref": ...}}`: one answer for each status, its codes as examples of it."""
    by_status: dict[int, list[str]] = {}
    for status, code in sorted(codes, key=lambda each: (each[0], list(PAGES).index(each[1]))):
        by_status.setdefault(status, []).append(code)
    return {
        str(status): _reference(registry, status, names, with_key=with_key and status not in BEFORE_THE_KEY)
        for status, names in by_status.items()
    }


def _reference(registry: Any, status: int, codes: list[str], *, with_key: bool) -> dict[str, Any]:
    for name, schema in (("Problem", SCHEMA), ("FieldProblem", FIELD_SCHEMA)):
        registry.register_on_missing(
            ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema)
        )
    name = "Or".join(code.title().replace("_", "") for code in codes) + str(status)
    name += "" if with_key or status in BEFORE_THE_KEY else "WithoutKey"
    named = [*ALWAYS, *(OF_LIMITS if with_key else ()), *_own_headers(status)]
    response = {
        "description": "\n\n".join(f"`{code}`: {PAGES[code].what} {PAGES[code].todo}" for code in codes),
        "headers": headers(registry, *named),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"value": example(status, code)} for code in codes},
            }
        },
    }
    component = ResolvedComponent(name=name, type=ResolvedComponent.RESPONSE, object=name, schema=response)
    registry.register_on_missing(component)
    return {"$ref": f"#/components/responses/{name}"}


def _own_headers(status: int) -> tuple[str, ...]:
    return {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(
        status, ()
    )


def example(status: int, code: str) -> dict[str, Any]:
    """The document as the server writes it."""
    errors = _EXTRA.get(code, {})
    return {**Problem(status, code).body(REQUEST_ID), **errors}

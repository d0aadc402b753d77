"""The headers that answers carry."""

from typing import Any

from drf_spectacular.plumbing import ResolvedComponent

from organizations.limits import WINDOW


def _header(description: str, example: Any, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}, "example": example}


HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        **_header(
            "The call's id in our log: your X-Request-ID if it has 1-128 printable ASCII characters, else a new one.",
            "01938f2e-6c1b-4a53-9d0e-2f6d0f1c9a77",
        ),
        "required": True,
    },
    "X-RateLimit-Limit": _header(
        f"Events that may pass in any {WINDOW} seconds: the tier's number.", 100, type="integer", minimum=1
    ),
    "X-RateLimit-Remaining": _header("How many of them are left.", 99, type="integer", minimum=0),
    "X-RateLimit-Reset": _header(
        "When more are left than now, in unix seconds.", 1767225660, type="integer", minimum=0
    ),
    "RateLimit-Policy": _header(
        "The limit as the IETF draft draft-ietf-httpapi-ratelimit-headers has it: q events in w seconds.",
        '"events";q=100;w=60',
        pattern=r'^"events";q=\d+;w=\d+$',
    ),
    "RateLimit": _header(
        "What is left, by the same draft: r events, t seconds until there are more.",
        '"events";r=99;t=60',
        pattern=r'^"events";r=\d+;t=\d+$',
    ),
    "Idempotent-Replayed": _header(
        "`true` when this is the answer to an earlier call with the same Idempotency-Key, and nothing was done now.",
        "true",
        enum=["true"],
    ),
    "Location": _header(
        "Where the replay shows how far it is; a dry run has none.",
        "/api/replays/01938f2f-0000-7d22-8a3b-1c2d3e4f5a6b",
        format="uri-reference",
    ),
    "Allow": {**_header("The methods that this address takes.", "GET, HEAD, OPTIONS"), "required": True},
    "Retry-After": {
        **_header("Seconds to wait before the same call can succeed.", 5, type="integer", minimum=1),
        "required": True,
    },
    "WWW-Authenticate": {
        **_header("How to authenticate.", 'Bearer realm="api"', enum=['Bearer realm="api"']),
        "required": True,
    },
}
ALWAYS = ("X-Request-ID",)
REQUEST_ID: dict[str, Any] = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "An id of yours for this call, for the answer and our log. One that doesn't fit is replaced.",
    "schema": {"type": "string"},
    "example": "order-17-first-try",
}
OF_LIMITS = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit-Policy",
    "RateLimit",
)


def headers(registry: Any, *names: str) -> dict[str, Any]:
    """References to these headers, which are put among the components."""
    for name in names:
        component = ResolvedComponent(
            name=name, type=ResolvedComponent.HEADER, object=name, schema=HEADERS[name]
        )
        registry.register_on_missing(component)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}

"""The API's routes, walked from the URL configuration, so that a test of all of them can't forget a new one."""

import uuid
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from organizations.models import ApiKey, Organization
from tests.factories import make_delivery, make_endpoint, make_key, make_replay

SCHEMA_AND_DOCS = ("api/schema", "api/docs")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

# For each name that a path may hold: makes such a thing for a tenant, and returns its id.
THINGS: dict[str, Callable[[Organization], uuid.UUID]] = {
    "key_id": lambda tenant: make_key(tenant) and ApiKey.objects.of(tenant)[0].pk,
    "event_id": lambda tenant: make_delivery(make_endpoint(tenant), status="dead_letter").event_id,
    "endpoint_id": lambda tenant: make_endpoint(tenant).pk,
    "delivery_id": lambda tenant: make_delivery(make_endpoint(tenant), status="dead_letter").pk,
    "replay_id": lambda tenant: make_replay(tenant).pk,
}


class Route(NamedTuple):
    """`template` is such as `/api/events/{event_id}`, `names` what it takes: `("event_id",)`.

    `body`: the fields that the schema has for its body, None when it takes none. `is_open`: it needs no key.
    """

    method: str
    template: str
    names: tuple[str, ...]
    scope: str | None
    body: dict[str, Any] | None
    body_is_optional: bool
    largest_body: int
    is_open: bool

    def path(self, **values: object) -> str:
        return self.template.format(**values)

    def path_to_things_of(self, tenant: Organization) -> str:
        for name in self.names:
            if name not in THINGS:
                pytest.fail(
                    f"{label(self)}: nobody knows how to make a thing for {name!r}. "
                    "Add a function that makes one for a tenant to THINGS in tests/routes.py."
                )
        return self.path(**{name: THINGS[name](tenant) for name in self.names})

    def path_to_nothing(self) -> str:
        return self.path(**{name: uuid.uuid4() for name in self.names})


def api_routes() -> list[Route]:
    """Every method of every view under /api/ that needs a key."""
    return [route for route in all_routes() if not route.is_open]


def routes_with_a_body() -> list[Route]:
    return [route for route in all_routes() if route.body is not None]


@cache
def all_routes() -> list[Route]:
    found = []
    for pattern in get_resolver().url_patterns:
        route = str(pattern.pattern)
        if route.startswith("api/") and route not in SCHEMA_AND_DOCS:
            found += routes_of(pattern)
    return found


def routes_of(pattern: Any) -> list[Route]:
    view = pattern.callback.cls
    template = "/" + str(pattern.pattern)
    for name, converter in pattern.pattern.converters.items():
        assert type(converter).__name__ == "UUIDConverter"
        template = template.replace(f"<uuid:{name}>", f"{{{name}}}")
    return [
        Route(
            method,
            template,
            tuple(pattern.pattern.converters),
            getattr(view, "scopes", {}).get(method),
            body_fields(method, template),
            getattr(view, "optional_body", False),
            getattr(view, "largest_body", 64 * 1024),
            is_open=not view.authentication_classes,
        )
        for method in METHODS
        if hasattr(view, method.lower())
    ]


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def body_fields(method: str, template: str) -> dict[str, Any] | None:
    """The properties that the schema has for the body; what takes a body and does not say so there, is not found."""
    operation = schema()["paths"][template][method.lower()]
    if "requestBody" not in operation:
        return None
    shape = operation["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in shape:
        shape = schema()["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    properties: dict[str, Any] = shape["properties"]
    return properties


def label(route: Route) -> str:
    return f"{route.method} {route.template}"

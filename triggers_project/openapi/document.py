"""The whole document, made once in a process, and what no view knows of it: tags, webhooks, health."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from triggers_project.openapi.health import HEALTH
from triggers_project.openapi.webhooks import COMPONENTS, WEBHOOKS

TAGS = {
    "keys": "Sign-up, and a tenant's API keys.",
    "webhook": "The default endpoint: where a tenant's events go.",
    "endpoints": "All endpoints, their secrets and state.",
    "events": "Send events, look at them, replay them.",
    "inbox": "For those who can't be called: poll, then acknowledge.",
    "ack": "Settle events by hand.",
    "deliveries": "An event on its way to an endpoint, with every attempt.",
    "replays": "Replays of many deliveries, and how far they are.",
    "health": "For load balancers and people.",
    "webhooks": "What a receiver gets.",
}


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS call it."""
    result["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    result["webhooks"] = WEBHOOKS
    result["components"]["schemas"] = dict(sorted((result["components"]["schemas"] | COMPONENTS).items()))
    result["paths"] = result["paths"] | HEALTH
    return result


@cache
def document() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


@cache
def as_yaml() -> bytes:
    text: bytes = OpenApiYamlRenderer().render(document(), renderer_context={})
    return text


@cache
def as_json() -> bytes:
    text: bytes = OpenApiJsonRenderer().render(document(), renderer_context={})
    return text

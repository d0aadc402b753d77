"""The `webhooks` section: what a receiver gets (`deliveries/message.py`), and what its answers mean."""

from typing import Any

from triggers_project.openapi.examples import DELIVERY_ID, EVENT_ID, FIELDS, MOMENT


def _header(
    name: str, description: str, example: str, *, required: bool = True, **schema: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", **schema},
        "example": example,
    }  # fmt: skip


_MESSAGE = {
    "type": "object",
    "required": ["id", "type", "timestamp", "data"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The event's id."},
        "type": {"type": "string", "maxLength": 100, "description": "The event's type."},
        "timestamp": {"type": "string", "format": "date-time", "description": "The event's `created_at`."},
        "data": {"description": "The event's payload: any JSON value."},
    },
}
_HEADERS = [
    _header("User-Agent", "Triggers and its version.", "Triggers/0.1.0"),
    _header("X-Event-ID", "The event's id.", EVENT_ID, format="uuid"),
    _header("X-Event-Type", "The event's type.", "order.created"),
    _header("X-Delivery-ID", "The delivery's id, for `GET /api/deliveries/{id}`.", DELIVERY_ID, format="uuid"),
    _header("webhook-id", "The event's id, the same on every retry and replay: what to know duplicates by.", EVENT_ID),
    _header("webhook-timestamp", "When this attempt was made, in unix seconds.", "1769860800", pattern=r"^\d+$"),
    _header(
        "webhook-signature",
        "Standard Webhooks 1.0.0: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, one for each valid "
        "secret, with a space between. Verify it over the body as it came, before you parse it.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        pattern=r"^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)*$",
    ),
    _header("webhook-attempt", "Which attempt this is: 1, 2, ...", "1", pattern=r"^[1-9]\d*$"),
    _header("webhook-test", "On what `POST /api/endpoints/{id}/test` sends.", "true", required=False, enum=["true"]),
    _header(
        "traceparent",
        "To endpoints with `send_traceparent`: the trace that the event belongs to (W3C Trace Context), if it has one.",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        required=False,
        pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    ),
]  # fmt: skip
_ANSWERS = {
    "2XX": "Delivered.",
    "3XX": "Failed, and retried. Redirects are not followed.",
    "410": "Failed for good: the delivery is dead, and the endpoint is disabled.",
    "429": "Failed, and retried: with `Retry-After` (seconds or a date) not before that, up to 24 hours.",
    "503": "Failed, and retried: with `Retry-After` (seconds or a date) not before that, up to 24 hours.",
    "default": "Failed, and retried on the schedule; after the last attempt a dead letter, which waits for a replay.",
}
_DESCRIPTION = """\
Every event goes to each endpoint that wants its type, at least once; order is not promised. An answer is awaited for
30 seconds, its last byte included. By default there are 5 attempts: at once, then after 5 seconds, 5 minutes, 30
minutes and 2 hours, each and up to 20 % more. At most 16 KiB of an answer are kept.
"""

WEBHOOKS: dict[str, Any] = {
    "event": {
        "post": {
            "operationId": "receive_event",
            "summary": "Receive event",
            "description": _DESCRIPTION,
            "tags": ["webhooks"],
            "security": [],
            "parameters": _HEADERS,
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/WebhookMessage"},
                        "examples": {
                            "event": {
                                "value": {
                                    "id": EVENT_ID,
                                    "type": "order.created",
                                    "timestamp": MOMENT,
                                    "data": FIELDS["payload"],
                                }
                            }
                        },
                    }
                },
            },
            "responses": {status: {"description": meaning} for status, meaning in _ANSWERS.items()},
        }
    }
}
COMPONENTS = {"WebhookMessage": _MESSAGE}

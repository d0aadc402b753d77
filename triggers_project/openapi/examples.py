"""Examples, put together from one table of fields: a new call has one as soon as its fields are in the table."""

from typing import Any

EVENT_ID = "01938f2e-6c1a-7b3e-8f00-4d2f9f0a1b2c"
ENDPOINT_ID = "01938f2d-1f00-7aa0-9a3c-5b1e2d3c4f5a"
DELIVERY_ID = "01938f2e-6c1a-7c11-b2d4-0a1b2c3d4e5f"
REPLAY_ID = "01938f2f-0000-7d22-8a3b-1c2d3e4f5a6b"
SECRET = "whsec_dGhlIHNlY3JldCBvZiBldmVyeSBlbmRwb2ludCBoZXJl"  # noqa: S105  (an example)
API_KEY = "trg_0a1B2c3D4e5F_0123456789ABCDEFGHIJKLMNOPQRSTUVW4Qk0Xz"
MOMENT, LATER = "2026-01-31T12:00:00Z", "2026-01-31T12:00:05Z"

# By the field's name, or by its component and its name where that means something of its own.
FIELDS: dict[str, Any] = {
    "id": EVENT_ID,
    "event_id": EVENT_ID,
    "event_ids": [EVENT_ID],
    "endpoint_id": ENDPOINT_ID,
    "delivery_id": DELIVERY_ID,
    "key_id": "01938f2c-0b00-7d10-8e21-7c6b5a493827",
    "type": "order.created",
    "event_type": "order.created",
    "event_types": ["order.*"],
    "payload": {"order": 17, "total": "19.90"},
    "dedup_id": "order-17-created",
    "status": "delivered",
    "created_at": MOMENT,
    "acknowledged_at": None,
    "settled_at": LATER,
    "started_at": MOMENT,
    "next_attempt_at": None,
    "last_used_at": MOMENT,
    "expires_at": None,
    "revoked_at": None,
    "since": "2026-01-01T00:00:00Z",
    "until": "2036-02-01T00:00:00Z",
    "last_success_at": MOMENT,
    "last_failure_at": None,
    "previous_secrets_until": None,
    "api_key": API_KEY,
    "secret": SECRET,
    "prefix": "trg_0a1B2c3D4e5F",
    "name": "billing",
    "scopes": ["events:write", "events:read"],
    "organization_name": "Acme",
    "tier": "free",
    "rate_limit_per_minute": 100,
    "webhook_url": "https://example.com/hooks",
    "url": "https://example.com/hooks",
    "description": "The billing system.",
    "state": "enabled",
    "disabled_reason": "",
    "grace_seconds": 3600,
    "consecutive_failures": 0,
    "attempts": 1,
    "number": 1,
    "duration_ms": 42,
    "status_code": 204,
    "last_status_code": 204,
    "outcome": "delivered",
    "error": "",
    "last_error": "",
    "response_headers": {"Content-Length": "0"},
    "response_body": "",
    "next_cursor": None,
    "cursor": "AZOPLmwae36PAE0vnwobLA",
    "has_more": False,
    "limit": 50,
    "offset": 0,
    "index": 0,
    "accepted": 1,
    "duplicates": 0,
    "rejected": 0,
    "replayed": 1,
    "matched": 1,
    "acknowledged": 1,
    "unknown": [],
    "dry_run": True,
    "OrganizationOut.id": "01938f2c-0a00-7c00-9d10-6b5a49382716",
    "OrganizationOut.name": "Acme",
    "KeyOut.id": "01938f2c-0b00-7d10-8e21-7c6b5a493827",
    "EndpointOut.id": ENDPOINT_ID,
    "NewEndpointOut.id": ENDPOINT_ID,
    "ReplayOut.id": REPLAY_ID,
    "ReplayStartedOut.id": REPLAY_ID,
    "ReplayOut.state": "done",
    "ReplayStartedOut.state": "running",
    "ReplayOut.status": "dead_letter",
    "EndpointReplayInRequest.status": "dead_letter",
    "RetryManyInRequest.status": "dead_letter",
    "replay_id": REPLAY_ID,
    "finished_at": LATER,
    "max_per_second": 50,
    "send_traceparent": True,
    "headers": {"X-Token": "a token that your server asks for"},
    "circuit": "closed",
    "DeliveryOut.id": DELIVERY_ID,
    "DeliveryDetailOut.id": DELIVERY_ID,
    "AcceptedOut.status": "pending",
    "AcknowledgedEvent.status": "acknowledged",
    "AcknowledgedEvent.acknowledged_at": LATER,
    "BatchResult.status": "accepted",
    "TestInRequest.type": "webhook.test",
}
# Of the whole body, where one made of fields would say too little or nothing true.
BODIES: dict[str, dict[str, Any]] = {
    "set_webhook_config": {
        "a URL": {"webhook_url": "https://example.com/hooks", "event_types": ["order.*"]},
        "with a secret of your own": {"webhook_url": "https://example.com/hooks", "secret": SECRET},
        "inbox only": {"webhook_url": None},
    },
    "send_event": {
        "the least": {"type": "order.created", "payload": {"order": 17}},
        "with a dedup_id": {
            "type": "order.created",
            "payload": {"order": 17, "total": "19.90"},
            "dedup_id": "order-17-created",
        },
    },
    "send_events 202": {
        "all": {
            "accepted": 1,
            "duplicates": 0,
            "rejected": 0,
            "results": [{"index": 0, "status": "accepted", "id": EVENT_ID}],
        }
    },
    "send_events 207": {
        "some": {
            "accepted": 0,
            "duplicates": 1,
            "rejected": 1,
            "results": [
                {
                    "index": 0,
                    "status": "duplicate",
                    "id": EVENT_ID,
                    "error": {
                        "code": "duplicate_event",
                        "detail": "This dedup_id was used within the last 24 hours.",
                        "event_id": EVENT_ID,
                    },
                },
                {
                    "index": 1,
                    "status": "rejected",
                    "error": {
                        "code": "invalid_body",
                        "detail": "#/type: This field is required.",
                        "errors": [{"pointer": "#/type", "detail": "This field is required."}],
                    },
                },
            ],
        }
    },
    "replay_event": {"everywhere": {}, "one endpoint": {"endpoint_id": ENDPOINT_ID}},
}


def example_of(name: str, schema: dict[str, Any], registry: Any) -> dict[str, Any]:
    """The examples of a body, as a media type has them."""
    bodies = BODIES.get(name) or {"example": compose(schema, registry)}
    return {title.replace(" ", "_"): {"summary": title, "value": body} for title, body in bodies.items()}


def parameter_example(parameter: dict[str, Any]) -> dict[str, Any]:
    value = FIELDS.get(parameter["name"])
    return {} if value is None else {"example": value}


def compose(schema: dict[str, Any], registry: Any, name: str = "") -> Any:
    """A value of this schema: what the table has for its fields, else the least that fits."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found = next(each for each in registry._components.values() if each.name == name)
        return compose(found.schema, registry, name)
    if "properties" in schema:
        return {
            field: _field(field, inner, registry, component=name)
            for field, inner in schema["properties"].items()
        }
    if schema.get("type") == "array":
        return [compose(schema["items"], registry)]
    return schema.get("default", schema.get("enum", [None])[0])


def _field(field: str, schema: dict[str, Any], registry: Any, *, component: str) -> Any:
    for key in (f"{component}.{field}", field):
        if key in FIELDS:
            return FIELDS[key]
    return compose(schema, registry)

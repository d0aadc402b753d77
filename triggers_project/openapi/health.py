"""`/health/*`: views of plain Django, of which drf-spectacular knows nothing."""

from typing import Any

from triggers_project.openapi.headers import HEADERS, REQUEST_ID

_DOWN: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "enum": ["broker", "database", "scheduler"]},
}


def _answer(description: str, example: dict[str, Any], *, headers: tuple[str, ...] = ()) -> dict[str, Any]:
    properties: dict[str, Any] = {"status": {"type": "string", "enum": [example["status"]]}}
    properties |= {"down": _DOWN} if "down" in example else {}
    return {
        "description": description,
        "headers": {name: HEADERS[name] for name in ("X-Request-ID", *headers)},
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": list(properties), "properties": properties},
                "example": example,
            }
        },
    }


HEALTH: dict[str, Any] = {
    "/health/live": {
        "get": {
            "operationId": "is_live",
            "summary": "Is live",
            "description": "200 while the process serves.",
            "tags": ["health"],
            "security": [],
            "parameters": [REQUEST_ID],
            "responses": {"200": _answer("It serves.", {"status": "live"})},
        }
    },
    "/health/ready": {
        "get": {
            "operationId": "is_ready",
            "summary": "Is ready",
            "description": "Whether all parts work. Events are accepted as long as the database is up.",
            "tags": ["health"],
            "security": [],
            "parameters": [REQUEST_ID],
            "responses": {
                "200": _answer("All is up.", {"status": "ready", "down": []}),
                "503": _answer(
                    "Something is down.",
                    {"status": "not ready", "down": ["broker"]},
                    headers=("Retry-After",),
                ),
            },
        }
    },
}

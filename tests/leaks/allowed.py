"""Where a secret is meant to be shown. Whatever is not in this list may show none: an addition needs a reason."""

import re
from pathlib import Path

from tests.leaks.search import Output

ID = "[0-9a-fA-F-]{36}"

# Each kind, with the answers that are there to hand it over. An answer is `METHOD path status`.
MEANT_TO_SHOW = {
    "API key": [
        "POST /api/keys(/generate|/rotate)?/? 201",  # the one time it is shown
    ],
    "signing secret": [
        "POST /api/webhook/config/? 200",
        "POST /api/endpoints/? 201",
        f"GET /api/endpoints/{ID}/secret/? 200",
        f"POST /api/endpoints/{ID}/rotate-secret/? 200",
    ],
    "header value": [
        f"(GET|POST|PATCH) /api/endpoints(/{ID}(/pause|/resume)?)?/? 20[01]",  # to keys with endpoints:write
    ],
    "sealed text": [
        "(GET|POST) /admin/second-factor/ 200",  # a second factor that was begun and not confirmed yet
    ],
    "payload": [
        f"GET /api/(events|inbox)(/{ID})?/? 200",
        "GET /admin/events/event/.+ 200",  # the page that is there to show it
        "GET /admin/deliveries/(delivery|deadletter)/.+ 200",
    ],
}

# What the documentation prints for everybody to copy is no secret.
PUBLISHED = Path(__file__).parents[2] / "docs" / "openapi.yaml"

_MEANT = {kind: re.compile("|".join(routes)) for kind, routes in MEANT_TO_SHOW.items()}


def may_show(kind: str, output: Output) -> bool:
    meant = _MEANT.get(kind)
    return bool(output.route and meant and meant.fullmatch(output.route))


def published() -> str:
    return PUBLISHED.read_text()

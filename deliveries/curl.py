"""Commands for a shell, to be copied: what is secret is a variable that who runs them sets."""

import json
import re
from shlex import quote

from deliveries.sent_request import NOT_SHOWN, SentRequest

_BY_CURL = ("host", "content-length", "accept-encoding")  # it writes these itself


def post_event(*, address: str, event_type: str, payload: str) -> str:
    """An event like that one, accepted anew: without its dedup id, by which it would be known."""
    body = f'{{"type":{json.dumps(event_type)},"payload":{payload}}}'
    headers = ["-H " + quote("X-API-Key: ") + '"$TRIGGERS_API_KEY"', "-H 'Content-Type: application/json'"]
    return _lines(f"curl -X POST {quote(address)}", *headers, f"--data-binary {quote(body)}")


def send_webhook(request: SentRequest, body: str) -> str:
    headers = [
        _header(name, value) for name, value in request.headers.items() if name.lower() not in _BY_CURL
    ]
    return _lines(f"curl -g -X POST {quote(request.url)}", *headers, f"--data-binary {quote(body)}")


def _header(name: str, value: str) -> str:
    """A tenant chose the name, which may hold what a shell would run."""
    if value == NOT_SHOWN or name == "webhook-signature":
        return f'-H {quote(f"{name}: ")}"${_variable(name)}"'
    return f"-H {quote(f'{name}: {value}')}"


def _variable(name: str) -> str:
    known = re.sub("[^A-Z0-9]", "_", name.upper())
    return known if known[0].isalpha() else f"HEADER_{known}"


def _lines(*parts: str) -> str:
    return " \\\n  ".join(parts)

"""The secrets that the tests use, noted where they are made or sent: text → what kind of secret it is."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.leaks.search import SHORTEST

USED: dict[str, str] = {}

_KEY = re.compile(r"trg_[0-9A-Za-z]{12}_([0-9A-Za-z]{33})[0-9A-Za-z]{6}")
_HANDED_OVER = re.compile(r'"(?:api_key|secret)":\s*"(trg_|whsec_)([^"]{20,})"')
KEY_HEADERS = ("x-api-key", "authorization", "http_x_api_key", "http_authorization")
SHORTEST_PAYLOAD = 12  # shorter words of a payload (`order`, a city) stand elsewhere with good reason


def note(kind: str, text: object) -> None:
    text = text.decode(errors="replace") if isinstance(text, bytes | memoryview) else str(text)
    if len(text) >= SHORTEST and len(set(text)) > 1:  # "xxxx…" is a filler, sent in every field
        USED.setdefault(text, kind)


def note_key(text: str) -> None:
    """The secret part of an API key: its public id may be shown."""
    if found := _KEY.search(text):
        note("API key", found[1])


def note_any(kind: str, text: str) -> None:
    """A secret of whatever form."""
    if _KEY.search(text):
        note_key(text)
    else:
        note(kind, text.removeprefix("whsec_"))


def note_sealed(text: object) -> None:
    """What the product encrypts before it keeps it: a signing secret, or headers as JSON."""
    text = text.decode() if isinstance(text, bytes) else str(text)
    if text.startswith("whsec_"):
        note("signing secret", text.removeprefix("whsec_"))
    elif text.startswith("{"):
        for value in words_of(json.loads(text)):
            note("header value", value)
    else:
        note("sealed text", text)


def note_payload(payload: Any) -> None:
    for word in words_of(payload):
        if len(word) >= SHORTEST_PAYLOAD:
            note("payload", word)


def note_password_of(url: str) -> None:
    if password := urlsplit(url).password:
        note("password of a server", unquote(password))


def note_request(headers: Mapping[str, str], body: bytes) -> None:
    for name, value in headers.items():
        if name.lower() in KEY_HEADERS:
            note_key(str(value))
    try:
        fields = json.loads(body) if body[:1] == b"{" else {}
    except (ValueError, RecursionError):
        return  # a test of what is not JSON
    note_fields(fields)


def note_fields(fields: dict[str, Any]) -> None:
    for event in [fields, *listed(fields.get("events"))]:
        note_payload(event.get("payload"))
    secret, headers = str(fields.get("secret", "")), fields.get("headers")
    if secret.startswith("whsec_"):
        note("signing secret", secret.removeprefix("whsec_"))
    for value in words_of(headers) if isinstance(headers, Mapping) else ():
        note("header value", value)


def note_query(query: str) -> None:
    """What is searched for in payloads is part of one."""
    for text in parse_qs(query).get("payload", ()):
        try:
            note_payload(json.loads(text))
        except (ValueError, RecursionError):
            note_payload(text)


def note_answer(body: str) -> None:
    for prefix, rest in _HANDED_OVER.findall(body):
        if prefix == "trg_":
            note_key(prefix + rest)
        else:
            note("signing secret", rest)


def listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words_of(value: Any) -> Iterator[str]:
    """The texts in it that are values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from words_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words_of(inner)

"""Payloads that others choke on: stored faithfully, or refused in words, never a 500."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest

from events.models import Event
from organizations.models import Organization
from tests.calls import pointers

pytestmark = pytest.mark.usefixtures("door")


@pytest.fixture(autouse=True)
def _inbox_is_enough(committed_acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)


def sent(tenant: SimpleNamespace, payload: str) -> object:
    return tenant.api.post("/api/events", b'{"type": "a", "payload": ' + payload.encode() + b"}")


def exactly(text: bytes | str) -> object:
    """JSON with every number as it is written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


STORED = {
    "an integer beyond 64 bits": "18446744073709551616",
    "a negative one": "-9223372036854775809",
    "an integer of 4,000 digits": "9" * 4_000,
    "an integer of 130,000 digits": "1" + "0" * 130_000,
    "more decimals than a double has": "0.1000000000000000055511151231257827021181583404541015625",
    "an exponent": "[1e0, 1.5E+3, 2e-300, 1e308]",
    "minus nothing": "[-0, -0.0]",
    "emoji as keys": '{"🦊": {"👩‍👩‍👧‍👦": "🏳️‍🌈"}}',
    "an escaped surrogate pair": r'"\ud83e\udd8a"',
    "what ends lines in JavaScript": '"\u2028\u2029"',
    "escapes": r'"\b\f\n\r\t\/\\\" \u00e9 \u001f \u007f"',
    "an escaped backslash before u0000": r'"\\u0000"',
    "empty keys": '{"": {"": []}}',
    "keys that look like Python's": '{"__class__": 1, "__proto__": 2, "constructor": 3}',
    "64 levels": "[" * 64 + "]" * 64,
    "many small values": "[" + ",".join(["0"] * 100_000) + "]",
    "many keys": json.dumps({f"k{n}": n for n in range(10_000)}),
    "a private use character": '"\ue000\U0010ffff\ufffe"',
    "no object": "null",
}


@pytest.mark.parametrize("payload", STORED.values(), ids=STORED)
def test_it_is_stored_faithfully(committed_acme: SimpleNamespace, payload: str) -> None:
    answer = sent(committed_acme, payload)
    assert answer.status_code == 202
    event = committed_acme.api.get(f"/api/events/{answer.json()['id']}")
    assert exactly(event.content)["payload"] == exactly(payload)


def test_of_duplicate_keys_the_last_is_stored(committed_acme: SimpleNamespace) -> None:
    event_id = sent(committed_acme, '{"a": 1, "b": 2, "a": 3}').json()["id"]
    assert committed_acme.api.get(f"/api/events/{event_id}").json()["payload"] == {"a": 3, "b": 2}


REFUSED = {
    "a NUL": (422, r'"\u0000"'),
    "a NUL in a key": (422, r'{"\u0000": 1}'),
    "half a surrogate pair": (422, r'"\ud83e"'),
    "its other half": (422, r'{"\udd8a": 1}'),
    "a swapped pair": (422, r'"\udd8a\ud83e"'),
    "NaN": (422, "NaN"),
    "Infinity": (422, "[Infinity]"),
    "-Infinity": (422, "-Infinity"),
    "65 levels": (422, "[" * 65 + "]" * 65),
    "10,000 levels": (422, "[" * 10_000 + "]" * 10_000),
    "100,000 levels": (422, '{"a":' * 40_000 + "1" + "}" * 40_000),
    "1e400": (422, "1e400"),
    "1e-400": (422, "1e-400"),
    "an exponent bomb": (422, "[" + ",".join(["1e308"] * 30_000) + "]"),
    "an exponent of 10,000 digits": (422, "1e" + "9" * 10_000),
    "an integer of 200,000 digits": (422, "1" * 200_000),
    "a NUL as a character": (400, '"\x00"'),
    "a raw control character": (400, '"\x1f"'),
    "a hexadecimal number": (400, "0x10"),
    "a leading zero": (400, "01"),
    "a comment": (400, "1 // one"),
    "a trailing comma": (400, "[1,]"),
    "single quotes": (400, "'a'"),
    "unclosed nesting": (400, "[" * 50),
}


@pytest.mark.parametrize(("status", "payload"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_in_words_and_nothing_is_stored(
    committed_acme: SimpleNamespace, status: int, payload: str
) -> None:
    answer = sent(committed_acme, payload)
    assert answer.status_code == status
    assert answer.json()["code"] == {400: "malformed_body", 422: "invalid_body"}[status]
    assert len(answer.json()["detail"]) > 20
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "payload", [b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"']
)
def test_what_is_not_utf_8_is_malformed(committed_acme: SimpleNamespace, payload: bytes) -> None:
    answer = committed_acme.api.post("/api/events", b'{"type": "a", "payload": ' + payload + b"}")
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body is not UTF-8 at byte 26.")
    assert not Event.objects.exists()


def test_a_refused_payload_is_pointed_at(committed_acme: SimpleNamespace) -> None:
    assert pointers(sent(committed_acme, "1e400")) == ["#/payload"]


@pytest.mark.parametrize("dedup_id", [r'"\ud800"', r'"\u0000"', '"\x00"'])
def test_a_dedup_id_that_can_not_be_stored_is_refused(committed_acme: SimpleNamespace, dedup_id: str) -> None:
    body = f'{{"type": "a", "payload": 1, "dedup_id": {dedup_id}}}'
    assert committed_acme.api.post("/api/events", body.encode()).status_code in (400, 422)
    assert not Event.objects.exists()

import json

import pytest

from events.incoming import LARGEST_EVENT, IncomingEvent, event_type_fits, read_batch, read_event
from organizations.errors import InvalidBody, Refused


def refusal(body: object) -> list[str]:
    with pytest.raises(InvalidBody) as caught:
        read_event(json.dumps(body).encode())
    return [pointer for pointer, _ in caught.value.fields]


def test_an_event_keeps_its_payload_as_the_text_that_came() -> None:
    event = read_event(b'{"type": "a.b", "payload": {"n" : 1.50, "n": 2}, "dedup_id": "x"}')
    assert (event.type, event.payload_bytes, event.dedup_id) == ("a.b", b'{"n" : 1.50, "n": 2}', "x")


def test_fields_nobody_knows_are_nobodys_business() -> None:
    assert read_event(b'{"type": "a", "payload": 1, "colour": "red"}').type == "a"


@pytest.mark.parametrize("text", ["a", "order.created", "A-b_9.0", "a" * 100, ".".join(["ab"] * 33)])
def test_types_that_fit(text: str) -> None:
    assert event_type_fits(text)


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a b", "order.*", "ä", "a" * 101, "a\n", "a/b", "a\x00", "٣"]
)
def test_types_that_do_not_fit(text: str) -> None:
    assert not event_type_fits(text)
    assert refusal({"type": text, "payload": 1}) == ["#/type"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/type"]),
        ({"type": "a"}, ["#/payload"]),
        ({"payload": 1}, ["#/type"]),
        ({"type": None, "payload": 1}, ["#/type"]),
        ({"type": 5, "payload": 1}, ["#/type"]),
        ({"type": "a", "payload": 1, "dedup_id": 5}, ["#/dedup_id"]),
        ({"type": "a", "payload": 1, "dedup_id": ""}, ["#/dedup_id"]),
        ({"type": "a", "payload": 1, "dedup_id": "d" * 256}, ["#/dedup_id"]),
        ({"type": "a", "payload": 1, "dedup_id": "d\x00"}, ["#/dedup_id"]),
        ({"type": "a b", "payload": "\x00", "dedup_id": ""}, ["#/type", "#/dedup_id", "#/payload"]),
        ([], ["#"]),
        ("text", ["#"]),
    ],
)
def test_every_fault_is_pointed_at(body: object, pointers: list[str]) -> None:
    assert refusal(body) == pointers


@pytest.mark.parametrize("dedup_id", [None, "d", "d" * 255, "🦊" * 255, "a\nb"])
def test_dedup_ids_that_fit(dedup_id: str | None) -> None:
    body = json.dumps({"type": "a", "payload": 1, "dedup_id": dedup_id})
    assert read_event(body.encode()).dedup_id == dedup_id


@pytest.mark.parametrize("payload", ["null", "false", "0", '""', "[]", "{}", '"text"', "-0.0"])
def test_any_json_value_is_a_payload(payload: str) -> None:
    assert read_event(f'{{"type": "a", "payload": {payload}}}'.encode()).payload_bytes.decode() == payload


# --- Batches ------------------------------------------------------------------------------------------------------


def test_a_batch_is_read_in_order_and_one_that_does_not_fit_spoils_no_other() -> None:
    first, second, third = read_batch(
        b'{"events": [{"type": "a", "payload": 1}, 5, {"type": "b", "payload": 2}]}'
    )
    assert isinstance(first, IncomingEvent)
    assert isinstance(third, IncomingEvent)
    assert (first.type, third.type) == ("a", "b")
    assert isinstance(second, InvalidBody)
    assert second.fields == [("#", "Expected object, got int.")]


@pytest.mark.parametrize("number", [0, 1001])
def test_a_batch_has_1_to_1000_events(number: int) -> None:
    with pytest.raises(InvalidBody) as caught:
        read_batch(json.dumps({"events": [{"type": "a", "payload": 1}] * number}).encode())
    assert [pointer for pointer, _ in caught.value.fields] == ["#/events"]


def test_a_batch_may_have_1000_events() -> None:
    assert len(read_batch(json.dumps({"events": [{"type": "a", "payload": 1}] * 1000}).encode())) == 1000


@pytest.mark.parametrize(
    "event",
    [
        '{"type": "a", "payload": {"n": [1, 2.50]}, "dedup_id": "d", "colour": "red"}',
        '{"type": "a", "payload": "\\u0000"}',
        '{"type": "a", "payload": "\\ud800"}',
        '{"type": "\\ud800", "payload": 1}',
        '{"type": "a b", "payload": 1, "dedup_id": ""}',
        '{"type": "a", "payload": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"type": "a", "type": "b", "payload": 1}',
        '{"payload": 1}',
        "[]",
    ],
)
def test_how_a_batch_is_read_changes_nothing(event: str) -> None:
    """One that is as large as an event alone may be is read at once, another event by event."""
    small = f'{{"events": [{{"type": "good", "payload": 1}}, {event}], "more": 1}}'.encode()
    large = small + b" " * LARGEST_EVENT
    assert read(small) == read(large)


def read(body: bytes) -> object:
    try:
        return [one.fields if isinstance(one, InvalidBody) else one for one in read_batch(body)]
    except Refused as error:
        return type(error), str(error)


def test_an_event_of_a_batch_may_be_as_large_as_one_alone() -> None:
    bare = len(b'{"type":"a","payload":""}')
    fits, too_large = (
        f'{{"type":"a","payload":"{"x" * (LARGEST_EVENT - bare + more)}"}}'.encode() for more in (0, 1)
    )
    first, second = read_batch(b'{"events":[' + fits + b"," + too_large + b"]}")
    assert isinstance(first, IncomingEvent)
    assert isinstance(second, InvalidBody)
    assert str(second) == "#: An event may have 262,144 bytes."

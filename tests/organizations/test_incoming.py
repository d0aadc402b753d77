from typing import Any

import msgspec
import pytest

from organizations.errors import InvalidBody, MalformedBody
from organizations.incoming import decode, decode_object, refuse_nul


class Person(msgspec.Struct):
    name: str
    age: int = 0


class Team(msgspec.Struct):
    people: list[Person]


@pytest.mark.parametrize(
    ("body", "value"), [(b"1", 1), (b' {"a": [null, true]}\n', {"a": [None, True]}), (b'"\xc3\xa9"', "é")]
)
def test_any_json_is_decoded(body: bytes, value: object) -> None:
    assert decode(body, Any) == value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The body is empty; send a JSON document."),
        (b" \n", "The body is empty; send a JSON document."),
        (b"{", "The body is not JSON: Input data was truncated."),
        (b"{'a': 1}", "The body is not JSON: object keys must be strings (byte 1)."),
        (b"[1,]", "The body is not JSON: trailing comma in array (byte 3)."),
        (b"1 2", "The body is not JSON: trailing characters (byte 3)."),
        (b'"\x01"', "The body is not JSON: invalid character (byte 1)."),
        (b'"\xff"', "The body is not UTF-8 at byte 1."),
        (b'\xef\xbb\xbf"bom"', "The body is not JSON: invalid character (byte 0)."),
        (b"1\x00", "The body is not JSON: trailing characters (byte 2)."),
        ('"a"'.encode("utf-16"), "The body is not UTF-8 at byte 0."),
    ],
)
def test_what_is_not_json_is_malformed(body: bytes, words: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        decode(body, Any)
    assert str(caught.value) == words


@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b"-Infinity", rb'"\ud800"', rb'{"a": "\udc00"}'])
def test_what_only_looks_like_json_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidBody) as caught:
        decode(body, Any)
    assert caught.value.fields == [
        ("#", "It holds NaN, Infinity or half of a surrogate pair, which JSON can't carry.")
    ]


@pytest.mark.parametrize("body", [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000])
def test_absurd_nesting_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidBody) as caught:
        decode(body, Any)
    assert caught.value.fields == [("#", "The document is nested too deep.")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", ("#", "Expected object, got array.")),
        (b"{}", ("#/people", "This field is required.")),
        (b'{"people": 1}', ("#/people", "Expected array, got int.")),
        (b'{"people": [{"name": "a"}, {}]}', ("#/people/1/name", "This field is required.")),
        (b'{"people": [{"name": null}]}', ("#/people/0/name", "Expected str, got null.")),
    ],
)
def test_what_does_not_fit_is_pointed_at(body: bytes, field: tuple[str, str]) -> None:
    with pytest.raises(InvalidBody) as caught:
        decode(body, Team)
    assert caught.value.fields == [field]


def test_what_does_not_fit_and_breaks_off_later_is_malformed() -> None:
    with pytest.raises(MalformedBody) as caught:
        decode(b'{"people": 1, "more":', Team)
    assert str(caught.value) == "The body is not JSON: Input data was truncated."


@pytest.mark.parametrize("body", [b"[]", b"0", b"1.5", b"null", b'""', b'"{}"', b"true", b"false"])
def test_what_is_no_object_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidBody) as caught:
        decode_object(body)
    assert caught.value.fields[0][0] == "#"


def test_an_object_is_decoded() -> None:
    assert decode_object(rb' {"a": [1, "\\u0000"]}') == {"a": [1, "\\u0000"]}


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({"name": "\x00"}, ["#/name"]),
        ({"a": [0, {"b/~": "x\x00y"}]}, ["#/a/1/b~1~0"]),
        ({"a": {"\x00": 1}}, ["#/a"]),
        ({"a": "\x00", "b": "\x00"}, ["#/a", "#/b"]),
    ],
)
def test_a_nul_character_is_pointed_at_wherever_it_is(document: dict, pointers: list[str]) -> None:
    with pytest.raises(InvalidBody) as caught:
        refuse_nul(document)
    assert sorted(pointer for pointer, _ in caught.value.fields) == pointers

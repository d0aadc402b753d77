import uuid

import pytest

from organizations.errors import InvalidQuery
from triggers_project.pages import decode_cursor, encode_cursor


def test_a_cursor_is_an_id_in_other_words() -> None:
    key = uuid.uuid4()
    assert decode_cursor(encode_cursor(key)) == key


def test_a_cursor_needs_no_escaping_in_a_url() -> None:
    assert encode_cursor(uuid.UUID(int=(1 << 128) - 1)).isascii()
    assert not set("+/=") & set(encode_cursor(uuid.UUID(bytes=b"\xfb\xff\xfe" * 5 + b"\xff")))


@pytest.mark.parametrize(
    "cursor", ["a", "a" * 21, "a" * 23, "a" * 10_000, "!" * 22, "ü" * 22, "\x00" * 22, " " * 22, "a+/="]
)
def test_anything_else_is_no_cursor(cursor: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        decode_cursor(cursor)
    assert caught.value.fields == [("cursor", "This is not a cursor that a list gave.")]

import io
import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from organizations.errors import BodyTooLarge, MalformedBody
from triggers_project.bodies import UNKNOWN_LENGTH, DeclaredBody, JSONOut, read_within


class Stream:
    """A body of so many bytes that comes in pieces, and notes how much of it was read."""

    def __init__(self, size: int, *, piece: int = 7) -> None:
        self.size, self.piece, self.read_bytes = size, piece, 0

    def read(self, wanted: int) -> bytes:
        length = min(wanted, self.piece, self.size - self.read_bytes)
        self.read_bytes += length
        return b"x" * length


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_a_body_within_the_limit_is_read_whole(size: int) -> None:
    assert read_within(Stream(size), 100, declared=size) == b"x" * size


def test_a_body_that_says_it_is_too_large_is_not_read_at_all() -> None:
    stream = Stream(101)
    with pytest.raises(BodyTooLarge):
        read_within(stream, 100, declared=101)
    assert stream.read_bytes == 0


@pytest.mark.parametrize("declared", [UNKNOWN_LENGTH, 50])
def test_a_body_that_turns_out_too_large_is_not_read_past_the_limit(declared: int) -> None:
    stream = Stream(1_000_000)
    with pytest.raises(BodyTooLarge) as caught:
        read_within(stream, 100, declared=declared)
    assert stream.read_bytes == 101
    assert str(caught.value) == "The body is larger than 100 bytes."


def test_a_chunked_body_ends_where_its_stream_ends() -> None:
    assert read_within(Stream(60), 100, declared=UNKNOWN_LENGTH) == b"x" * 60


def test_a_body_that_ends_before_its_length_is_malformed() -> None:
    with pytest.raises(MalformedBody) as caught:
        read_within(Stream(60), 100, declared=61)
    assert str(caught.value) == "The body ended before its Content-Length."


@pytest.mark.parametrize(
    ("environ", "length"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, str(UNKNOWN_LENGTH)),
        ({"HTTP_TRANSFER_ENCODING": "gzip, Chunked"}, str(UNKNOWN_LENGTH)),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "5"}, str(UNKNOWN_LENGTH)),
        ({"CONTENT_LENGTH": "5"}, "5"),
        ({}, None),
    ],
)
def test_only_a_chunked_body_is_of_unknown_length(environ: dict[str, str], length: str | None) -> None:
    seen = DeclaredBody(lambda environ, _: [environ.get("CONTENT_LENGTH")])(environ, io.BytesIO)
    assert seen == [length]


def test_answers_are_written_as_json() -> None:
    found = uuid.UUID(int=5)
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert JSONOut().render({"id": found, "at": moment, "raw": msgspec.Raw(b'{"n": 1.50}'), "text": "ü"}) == (
        b'{"id":"00000000-0000-0000-0000-000000000005","at":"2026-01-31T12:00:00Z","raw":{"n": 1.50},'
        b'"text":"\xc3\xbc"}'
    )


def test_no_answer_is_no_body() -> None:
    assert JSONOut().render(None) == b""

"""Sending events of one's own: what counts as equal, and that a difference is noticed."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from triggers_project.local.demo.own_events import (
    MOST_BYTES,
    MOST_EVENTS,
    BadFile,
    Line,
    batches,
    compare,
    exact_json,
    read_lines,
    same,
)
from triggers_project.local.demo.receiver import Arrival
from triggers_project.local.demo.screen import NotAsTold, Screen


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"1", b"1.0"),
        (b"1e2", b"100"),
        (b'{"a": 1, "b": [null]}', b'{"b": [null], "a": 1}'),
        (rb'"\u00e9"', '"é"'.encode()),
    ],
)
def test_the_same_json_in_other_words(one: bytes, other: bytes) -> None:
    assert same(exact_json(one), exact_json(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"1", b"true"),
        (b"0", b"null"),
        (b"1", b'"1"'),
        (b"0.1", b"0.10000000000000001"),
        (b"12345678901234567890", b"12345678901234567891"),
        (b"[1]", b"[1, 1]"),
        (b'{"a": 1}', b'{"a": 1, "b": 1}'),
        (b'{"a": 1}', b'{"b": 1}'),
        (b"[]", b"{}"),
    ],
)
def test_other_json(one: bytes, other: bytes) -> None:
    assert not same(exact_json(one), exact_json(other))


def test_a_payload_that_was_changed_on_the_way_is_not_as_told() -> None:
    sent = {
        "first": Line(1, b'{"type": "a", "payload": 1}'),
        "second": Line(7, b'{"type": "a", "payload": 2}'),
    }
    here = place_where_arrived(first=b'{"type": "a", "data": 1}', second=b'{"type": "a", "data": 2.5}')

    with pytest.raises(NotAsTold, match="line 7 is not"):
        compare(here, sent)


def place_where_arrived(**bodies: bytes) -> SimpleNamespace:
    delivered = {name: Arrival(name, 1, 204, 0.0, body) for name, body in bodies.items()}
    return SimpleNamespace(receiver=SimpleNamespace(delivered=delivered), screen=Screen(io.StringIO()))


def test_lines_keep_their_numbers_and_their_text(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_bytes(b'{"type":"a","payload":1.0}\r\n\n {"type":"b","payload":2}')

    assert read_lines(file) == [Line(1, b'{"type":"a","payload":1.0}'), Line(3, b'{"type":"b","payload":2}')]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_events_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "own.jsonl"
    file.write_bytes(content)

    with pytest.raises(BadFile, match="holds no events"):
        read_lines(file)


def test_a_dedup_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text('{"type": "a", "payload": 1, "dedup_id": "x"}\n' * 2)

    with pytest.raises(BadFile, match="line 2: dedup_id"):
        read_lines(file)


def test_batches_have_neither_too_many_events_nor_too_many_bytes() -> None:
    small = [Line(number, b"{}") for number in range(MOST_EVENTS + 1)]
    large = [Line(number, b"x" * (MOST_BYTES // 2)) for number in range(3)]

    assert [len(batch) for batch in batches(small)] == [MOST_EVENTS, 1]
    assert [len(batch) for batch in batches(large)] == [1, 1, 1]
    assert [line for batch in batches(small) for line in batch] == small

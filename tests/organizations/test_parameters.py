import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from organizations import parameters
from organizations.errors import InvalidQuery


def refusal(call: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidQuery) as caught:
        call()
    return caught.value.fields


@pytest.mark.parametrize("raw", ["1", "007", "200"])
def test_a_whole_number_within_its_bounds(raw: str) -> None:
    assert parameters.whole_number({"limit": raw}, "limit", 50, least=1, most=200) == int(raw)


@pytest.mark.parametrize("query", [{}, {"limit": ""}])
def test_a_whole_number_that_is_absent_or_empty_is_the_default(query: dict[str, str]) -> None:
    assert parameters.whole_number(query, "limit", 50, least=1, most=200) == 50


@pytest.mark.parametrize("raw", ["0", "201", "-1", "+1", "1.0", "1e2", " 1", "٣", "²", "one", "9" * 5000])
def test_any_other_whole_number_is_refused_in_words(raw: str) -> None:
    assert refusal(lambda: parameters.whole_number({"limit": raw}, "limit", 50, least=1, most=200)) == [
        ("limit", "This is not a whole number from 1 to 200.")
    ]


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.25Z", datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T12:00:00-03:30", datetime(2026, 1, 31, 15, 30, tzinfo=UTC)),
        ("2026-01-31T12:00:00 01:00", datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_a_moment(raw: str, moment: datetime) -> None:
    assert parameters.moment({"since": raw}, "since") == moment


@pytest.mark.parametrize(
    "raw", ["2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z", "1767225600", "yesterday", "\x00"]
)
def test_any_other_moment_is_refused_in_words(raw: str) -> None:
    assert refusal(lambda: parameters.moment({"since": raw}, "since")) == [
        ("since", "This is not an RFC 3339 time such as 2026-01-31T12:00:00Z.")
    ]


def test_an_identifier() -> None:
    known = uuid.uuid4()
    assert parameters.identifier({"id": str(known)}, "id") == known


@pytest.mark.parametrize("raw", ["1", "x" * 36, "\x00"])
def test_any_other_identifier_is_refused_in_words(raw: str) -> None:
    assert refusal(lambda: parameters.identifier({"id": raw}, "id")) == [("id", "This is not a UUID.")]


def test_a_choice() -> None:
    assert parameters.choice({"status": "dead"}, "status", ["open", "dead"]) == "dead"


def test_any_other_choice_is_refused_in_words() -> None:
    assert refusal(lambda: parameters.choice({"status": "Dead"}, "status", ["open", "dead"])) == [
        ("status", "This is none of open, dead.")
    ]


def test_text_without_nul() -> None:
    assert parameters.text({"type": "order.created"}, "type") == "order.created"
    assert refusal(lambda: parameters.text({"type": "a\x00"}, "type")) == [
        ("type", "This holds a NUL character.")
    ]


@pytest.mark.parametrize("query", [{}, {"x": ""}])
def test_whatever_is_absent_or_empty_is_none(query: dict[str, str]) -> None:
    assert parameters.moment(query, "x") is None
    assert parameters.identifier(query, "x") is None
    assert parameters.choice(query, "x", ["open"]) is None
    assert parameters.text(query, "x") is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("9999-12-31T23:59:59-23:59", parameters.LAST_MOMENT),
        ("0001-01-01T00:00:00+23:59", parameters.FIRST_MOMENT),
        ("2026-01-31T12:00:00+23:59", datetime(2026, 1, 30, 12, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_within_the_calendar_of_utc(text: str, moment: datetime) -> None:
    found = parameters.moment({"since": text}, "since")
    assert (found, found and found.utcoffset()) == (moment, timedelta(0))

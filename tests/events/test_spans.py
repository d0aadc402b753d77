from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from events.spans import KEPT, Grain, Span

NOW = datetime(2026, 1, 31, 12, 44, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("grain", "began"),
    [
        (Grain.MINUTE, datetime(2026, 1, 31, 12, 44, tzinfo=UTC)),
        (Grain.QUARTER, datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        (Grain.HOUR, datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_bucket_begins_at_a_whole_multiple_of_its_grain(grain: Grain, began: datetime) -> None:
    assert grain.begin(NOW) == began
    assert grain.begin(began) == began


@pytest.mark.parametrize(
    ("span", "number", "first"),
    [
        (Span.HOUR, 60, datetime(2026, 1, 31, 11, 45, tzinfo=UTC)),
        (Span.DAY, 96, datetime(2026, 1, 30, 12, 45, tzinfo=UTC)),
        (Span.WEEK, 168, datetime(2026, 1, 24, 13, tzinfo=UTC)),
    ],
)
def test_a_span_ends_with_the_bucket_that_is_under_way(span: Span, number: int, first: datetime) -> None:
    times = span.times(NOW)
    assert (len(times), times[0], times[-1]) == (number, first, span.grain.begin(NOW))
    assert {later - earlier for earlier, later in pairwise(times)} == {span.grain.length}


def test_spans_are_as_long_as_their_words() -> None:
    assert [span.length for span in Span] == [timedelta(hours=1), timedelta(days=1), timedelta(days=7)]


def test_what_a_span_shows_is_kept_longer_than_it() -> None:
    assert all(KEPT[span.grain] > 2 * span.length for span in Span)

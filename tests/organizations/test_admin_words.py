"""How the desk says things."""

import pytest

from organizations.admin_words import in_brief, percent
from organizations.templatetags.desk import figure


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (45, "45 s"),
        (59.9, "1 min"),
        (150, "2 min"),
        (3600, "1 h"),
        (90_000, "25 h"),
        (172_800, "2 days"),
        (1_000_000, "12 days"),
    ],
)
def test_a_length_of_time_in_brief(seconds: float, words: str) -> None:
    assert in_brief(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(None, "–"), (0.0, "0 %"), (0.0001, "0.1 %"), (0.9919, "99.2 %"), (0.99999, "99.9 %"), (1.0, "100 %")],
)
def test_a_share_in_per_cent(share: float | None, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("number", "unit", "words"),
    [
        (None, "", "–"),
        (1204, "", "1,204"),
        (12.5, " ms", "12.5 ms"),
        (1204.4, " ms", "1,204 ms"),
        (12_000, " ms", "12 s"),
    ],
)
def test_a_figure(number: float | None, unit: str, words: str) -> None:
    assert figure(number, unit) == words

"""What charts draw, in their own units: 1000 wide, 100 high, from the top down."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template.loader import render_to_string

from organizations.admin_charts import Bar, BarChart, Chart, LineChart, Series, round_up

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def minutes(count: int) -> list[datetime]:
    return [START + timedelta(minutes=number) for number in range(count)]


def test_bars_stand_on_each_other() -> None:
    chart = BarChart("", minutes(2), [Series("good", "good", [3, 0]), Series("bad", "bad", [1, 2])])

    assert chart.top == 5
    assert chart.bars == [
        Bar("good", 50, 40, 400, 60),
        Bar("bad", 50, 20, 400, 20),
        Bar("bad", 550, 60, 400, 40),
    ]


def test_a_line_breaks_where_there_is_no_figure() -> None:
    chart = LineChart("", minutes(4), [Series("p50", "in", [10, 5, None, 0])])

    assert chart.lines == [("in", "M125.0 0.0h0L375.0 50.0M875.0 100.0h0")]


def test_nothing_is_drawn_of_nothing() -> None:
    chart = BarChart("", minutes(2), [Series("good", "good", [0, None])])

    assert chart.is_empty
    assert chart.bars == []


@pytest.mark.parametrize(
    ("figure", "top"),
    [(0, 0), (0.3, 2), (3, 5), (5, 5), (7, 10), (21, 25), (26, 50), (999, 1000), (1001, 2000)],
)
def test_the_top_is_a_round_number(figure: float, top: float) -> None:
    assert round_up(figure) == top


def test_few_moments_are_named() -> None:
    assert Chart("", minutes(60), []).named == minutes(60)[::15]
    assert Chart("", minutes(3), []).named == minutes(3)
    assert Chart("", [], []).named == []


def test_a_chart_on_a_page_says_its_figures_without_being_seen() -> None:
    chart = BarChart("Deliveries", minutes(1), [Series("Delivered", "good", [1204])], by_day=True)

    page = render_to_string("admin/chart.html", {"chart": chart})

    assert '<td class="number">1,204</td>' in page
    assert "2026-03-01 12:00:00 UTC\nDelivered: 1,204</title>" in page
    assert ">Sun 1</time>" in page
    assert "style=" not in page


def test_an_empty_chart_says_so() -> None:
    chart = BarChart("Deliveries", minutes(1), [Series("Delivered", "good", [0])])

    assert "Nothing in this time." in render_to_string("admin/chart.html", {"chart": chart})

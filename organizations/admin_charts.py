"""Charts as SVG from the server: shapes that stretch, words beside them in HTML, and the figures as a table.

Nothing here knows what is drawn. A chart is looked at in `templates/admin/chart.html`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.functional import cached_property

WIDTH, HEIGHT = 1000.0, 100.0  # of the SVG's own units; it is stretched to the room that there is
GAP = 0.2  # of a bar's room
NICE = (1, 2, 2.5, 5, 10)
MOMENTS_NAMED = 4  # under the chart, at most


class Series(NamedTuple):
    """One figure for each moment, oldest first. None: there is none. `css` names its colour."""

    name: str
    css: str
    figures: Sequence[float | None]


class Bar(NamedTuple):
    css: str
    x: float
    y: float
    width: float
    height: float


class Column(NamedTuple):
    """All that is drawn for a moment, and what it says when it is pointed at."""

    at: datetime
    x: float
    width: float
    figures: list[float | None]


@dataclass(frozen=True)
class Chart:
    """`moments` and the figures of each series are as many. `unit` comes after a figure, such as ` ms`."""

    title: str
    moments: Sequence[datetime]
    series: Sequence[Series]
    unit: str = ""
    by_day: bool = False

    @cached_property
    def top(self) -> float:
        """A round number that nothing goes beyond; 0 when there is nothing to be drawn."""
        return round_up(max(self._heights, default=0.0))

    @property
    def _heights(self) -> list[float]:
        return [figure or 0.0 for one in self.series for figure in one.figures]

    @property
    def is_empty(self) -> bool:
        return self.top == 0

    @property
    def grid(self) -> list[float]:
        """The figures beside the lines, from the top down to 0."""
        return [self.top, self.top / 2, 0]

    @cached_property
    def columns(self) -> list[Column]:
        room = WIDTH / max(1, len(self.moments))
        return [
            Column(at, round(number * room, 2), round(room, 2), [one.figures[number] for one in self.series])
            for number, at in enumerate(self.moments)
        ]

    @property
    def named(self) -> list[datetime]:
        """The moments under the chart, evenly spaced, the first of them at its left edge."""
        step = max(1, -(-len(self.moments) // MOMENTS_NAMED))
        return list(self.moments[::step])

    def _y(self, figure: float) -> float:
        return round(HEIGHT * (1 - figure / self.top), 2) if self.top else HEIGHT


class BarChart(Chart):
    """The series one on the other: together they are as high as their sum."""

    @property
    def _heights(self) -> list[float]:
        return [sum(figure or 0.0 for figure in column.figures) for column in self.columns]

    @property
    def bars(self) -> list[Bar]:
        return [bar for column in self.columns for bar in self._stack(column)]

    def _stack(self, column: Column) -> list[Bar]:
        bars, below = [], 0.0
        for one, figure in zip(self.series, column.figures, strict=True):
            if figure:
                top, bottom = self._y(below + figure), self._y(below)
                bars.append(
                    Bar(
                        one.css,
                        round(column.x + column.width * GAP / 2, 2),
                        top,
                        round(column.width * (1 - GAP), 2),
                        round(bottom - top, 2),
                    )
                )
                below += figure
        return bars


class LineChart(Chart):
    """A line for each series, broken where there is no figure."""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """(css, the `d` of an SVG path) of each."""
        return [(one.css, self._path(number)) for number, one in enumerate(self.series)]

    def _path(self, number: int) -> str:
        steps, drawing = [], False
        for column in self.columns:
            figure = column.figures[number]
            if figure is not None:
                x, y = round(column.x + column.width / 2, 2), self._y(figure)
                # A figure that stands alone is a dot: a line of no length with round ends.
                steps.append(f"L{x} {y}" if drawing else f"M{x} {y}h0")
            drawing = figure is not None
        return "".join(steps)


def round_up(figure: float) -> float:
    """To 1, 2, 2.5 or 5 times a power of ten, and to an even number when it is small, for half of it is shown, too."""
    if figure <= 0:
        return 0.0
    if figure <= 2:
        return 2.0
    power = 1.0
    while power * 10 < figure:
        power *= 10
    return next(step * power for step in NICE if step * power >= figure)

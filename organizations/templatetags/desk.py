"""What every page of the desk has around it, and how charts say their figures."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.safestring import SafeString

from organizations.admin_charts import Chart
from organizations.admin_sections import Section, sections_for
from organizations.admin_words import in_brief, percent, timed

register = template.Library()

register.filter("percent", percent)
register.filter("in_brief", in_brief)
MS, MANY_MS = " ms", 10_000


@register.simple_tag(takes_context=True)
def desk_sections(context: dict[str, Any]) -> list[Section]:
    return sections_for(context["request"])


@register.filter
def unlocalized(number: float) -> str:
    """As SVG wants it, whatever the language."""
    return f"{number:g}"


@register.simple_tag
def figure(number: float | None, unit: str = "") -> str:
    """`1,204`, `12.5 ms`, `12 s` for many of these, or a dash where there is none."""
    if number is None:
        return "–"
    if unit == MS and number >= MANY_MS:
        return in_brief(number / 1000)
    return f"{number:,.1f}{unit}" if number % 1 and abs(number) < 100 else f"{number:,.0f}{unit}"


@register.simple_tag
def series_name(chart: Chart, place: int) -> str:
    return chart.series[place].name


@register.simple_tag
def moment(at: datetime, by_day: bool) -> SafeString:
    """`14:05`, or `Mon 23`; `desk.js` puts it into the viewer's zone."""
    return timed(at, f"{at:%a %-d}" if by_day else f"{at:%H:%M}", css="day" if by_day else "clock")


@register.filter
def alive(workers: list[Any]) -> int:
    return sum(worker.is_alive for worker in workers)

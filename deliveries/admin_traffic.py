"""Figures over time on a page of the desk: an hour, a day or a week of them, as charts."""

import uuid
from typing import Any

from django.http import HttpRequest

from deliveries.traffic_figures import Point, series, totals_of
from events.spans import Span
from organizations.admin_charts import BarChart, Chart, LineChart, Series

SPANS = {"hour": Span.HOUR, "day": Span.DAY, "week": Span.WEEK}
USUAL = "day"


def figures_of_endpoint(request: HttpRequest, endpoint_id: uuid.UUID) -> dict[str, Any]:
    """For a page with `admin/traffic.html`; `day` are the totals of the last day, whatever span is chosen."""
    chosen, points, day = _looked_up(request, endpoint=endpoint_id)
    charts = [
        attempts_chart(points, by_day=chosen == "week"),
        duration_chart(points, by_day=chosen == "week"),
    ]
    return {"spans": _switch(chosen), "charts": charts, "day": totals_of(day)}


def figures_of_tenant(request: HttpRequest, organization_id: uuid.UUID) -> dict[str, Any]:
    chosen, points, day = _looked_up(request, organization=organization_id)
    by_day = chosen == "week"
    charts = [arrivals_chart(points, by_day=by_day), attempts_chart(points, by_day=by_day)]
    return {"spans": _switch(chosen), "charts": charts, "day": totals_of(day)}


def _looked_up(request: HttpRequest, **whose: uuid.UUID) -> tuple[str, list[Point], list[Point]]:
    """The chosen span's name, its points, and those of the last day."""
    chosen = request.GET.get("span", USUAL)
    chosen = chosen if chosen in SPANS else USUAL
    points = series(SPANS[chosen], **whose)
    return chosen, points, points if chosen == USUAL else series(Span.DAY, **whose)


def _switch(chosen: str) -> list[tuple[str, bool]]:
    return [(name, name == chosen) for name in SPANS]


def arrivals_chart(points: list[Point], *, by_day: bool) -> Chart:
    accepted = Series("Accepted", "in", [point.accepted for point in points])
    return BarChart("Events", [point.at for point in points], [accepted], by_day=by_day)


def attempts_chart(points: list[Point], *, by_day: bool) -> Chart:
    delivered = Series("Delivered", "good", [point.delivered for point in points])
    failed = Series("Failed", "bad", [point.failed for point in points])
    return BarChart("Attempts", [point.at for point in points], [delivered, failed], by_day=by_day)


def duration_chart(points: list[Point], *, by_day: bool) -> Chart:
    """What attempts took: half of them so long at most, and all but one of twenty."""
    half = Series("Half of them within", "in", [point.attempt_p50_ms for point in points])
    nearly_all = Series("95 % within", "late", [point.attempt_p95_ms for point in points])
    moments = [point.at for point in points]
    return LineChart("Time to answer", moments, [half, nearly_all], unit=" ms", by_day=by_day)

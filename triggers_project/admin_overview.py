"""The desk's front page: how things stand, whether all is well, and what to do when it isn't."""

import time
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from deliveries.admin_traffic import SPANS, arrivals_chart, attempts_chart
from deliveries.heartbeat import SILENT_AFTER, Heard, scheduler_is_alive, workers
from deliveries.standing import MOST_COUNTED, Standing, standing
from deliveries.traffic_figures import Point, Totals, series, totals_of
from deliveries.traffic_tops import busiest_tenants, worst_endpoints
from events.spans import Span
from organizations.admin_charts import Chart, LineChart, Series
from organizations.admin_lists import SECONDS, OrMore
from organizations.admin_words import how_many, in_brief
from organizations.patience import TookTooLong, patience

SEEN_BY = "deliveries.view_delivery"  # who may look at deliveries may look at their figures
LATE_SECONDS = 60  # the oldest that is due: as the alert has it
LOW_SUCCESS = 0.9  # of attempts
REMEMBERED_SECONDS = 4
NOTHING = Standing(0, 0, 0, 0, 0, 0, 0, None, False, 0)
FEW_ATTEMPTS = 20  # say little about success


class Trouble(NamedTuple):
    """What is wrong, and what to do. `url` leads to where it is seen; `is_ours`: nothing is sent while it lasts."""

    words: str
    advice: str
    url: str = ""
    is_ours: bool = False


def overview(request: HttpRequest) -> dict[str, Any]:
    """What the page shows; nothing to who may not see deliveries."""
    if not request.user.has_perm(SEEN_BY):
        return {"may_look": False}
    name = request.GET.get("span", "")
    span = SPANS.get(name, Span.HOUR)
    points = series(span)
    totals, now, heard, ticks = totals_of(points), standing_lately(), workers(), scheduler_is_alive()
    return {
        "may_look": True,
        "spans": [(key, one.words, one is span) for key, one in SPANS.items()],
        "span": span,
        "totals": totals,
        "now": now,
        "dead": OrMore(MOST_COUNTED) if now.dead > MOST_COUNTED else now.dead,
        "troubles": troubles(now, totals, heard, scheduler_ticks=ticks, span=span),
        "workers": heard,
        "scheduler_ticks": ticks,
        "charts": charts(points, by_day=span is Span.WEEK),
        "worst": worst_endpoints(span),
        "busiest": busiest_tenants(span),
    }


class _Remembered:
    """Of this process: the page is open on many screens, most of all when much waits."""

    at = float("-inf")
    standing: Standing | None = None


def standing_lately() -> Standing:
    """Some seconds old at most, unless counting takes too long: then what was counted last."""
    if _Remembered.standing is None or time.monotonic() - _Remembered.at > REMEMBERED_SECONDS:
        try:
            with patience(SECONDS):
                _Remembered.standing = standing()
        except TookTooLong:
            _Remembered.standing = _Remembered.standing or NOTHING
        _Remembered.at = time.monotonic()
    return _Remembered.standing


def forget() -> None:
    """Counts anew at once (for tests)."""
    _Remembered.standing = None


def charts(points: list[Point], *, by_day: bool) -> list[Chart]:
    half = Series("Half within", "in", [point.p50_ms for point in points])
    nearly_all = Series("95 % within", "late", [point.p95_ms for point in points])
    moments = [point.at for point in points]
    return [
        arrivals_chart(points, by_day=by_day),
        attempts_chart(points, by_day=by_day),
        LineChart("From accepted to delivered", moments, [half, nearly_all], unit=" ms", by_day=by_day),
    ]


def troubles(
    now: Standing, totals: Totals, heard: list[Heard] | None, *, scheduler_ticks: bool, span: Span
) -> list[Trouble]:
    """The worst first. None at all: all is well."""
    return [*_ours(now, heard, scheduler_ticks=scheduler_ticks), *_theirs(now, totals, span)]


def _ours(now: Standing, heard: list[Heard] | None, *, scheduler_ticks: bool) -> list[Trouble]:
    if heard is None:
        return [
            Trouble(
                "Redis can't be reached.",
                "Events are accepted and stored; nothing is sent until it is back. Look at its log, and at REDIS_URL.",
                is_ours=True,
            )
        ]
    found = []
    if not any(worker.is_alive for worker in heard if worker.name.startswith("deliveries@")):
        found.append(
            Trouble(
                "No delivery worker has been heard of lately.",
                "Nothing is sent. Start one, or look at the log of the one that should run.",
                is_ours=True,
            )
        )
    if not scheduler_ticks:
        found.append(
            Trouble(
                f"The scheduler has not been heard of for {SILENT_AFTER} seconds.",
                "Retries wait until it is back. See that beat and the housekeeping worker run.",
                is_ours=True,
            )
        )
    for worker in heard:
        if not worker.is_alive and worker.seconds < 600:
            words = f"The worker {worker.name} has been silent for {in_brief(worker.seconds)}."
            found.append(Trouble(words, "See whether it runs."))
    if (now.oldest_due_seconds or 0) > LATE_SECONDS:
        waits = in_brief(now.oldest_due_seconds or 0)
        found.append(
            Trouble(
                f"Deliveries are late: the oldest has been due for {waits}.",
                "Errors in a worker's log? If none, more comes in than is sent: add workers, or see who sends so much.",
                reverse("admin:deliveries_delivery_changelist") + "?status=pending",
                is_ours=True,
            )
        )
    return found


def _theirs(now: Standing, totals: Totals, span: Span) -> list[Trouble]:
    found = []
    if totals.dead:
        dead = how_many(totals.dead, "delivery was", "deliveries were")
        found.append(
            Trouble(
                f"{dead} given up in {span.words}.",
                "See why, and replay them once their receivers are well.",
                reverse("admin:deliveries_deadletter_changelist"),
            )
        )
    rate = totals.success_rate
    if rate is not None and totals.attempts >= FEW_ATTEMPTS and rate < LOW_SUCCESS:
        found.append(
            Trouble(
                f"Only {rate:.0%} of the attempts of {span.words} succeeded.",
                "See which endpoints fail most.",
            )
        )
    if now.open_circuits:
        found.append(
            Trouble(
                f"{how_many(now.open_circuits, 'endpoint')} can't be reached just now.",
                "What is for them waits, and is sent as soon as they answer again.",
                reverse("admin:deliveries_endpoint_changelist"),
            )
        )
    if now.disabled:
        found.append(
            Trouble(
                f"{how_many(now.disabled, 'endpoint')} {'is' if now.disabled == 1 else 'are'} disabled.",
                "They failed for days, or said that they are gone. Their tenants were told.",
                reverse("admin:deliveries_endpoint_changelist") + "?state=disabled",
            )
        )
    return found

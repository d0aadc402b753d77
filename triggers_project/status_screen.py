"""How things stand, in one screen of plain text, or as a document for programs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deliveries.heartbeat import Heard, scheduler_is_alive, workers
from deliveries.standing import MOST_COUNTED, Standing, standing
from deliveries.traffic_figures import Totals, totals
from deliveries.traffic_tops import WorstEndpoint, worst_endpoints
from events.spans import Span
from organizations.admin_words import in_brief, without_query
from triggers_project.admin_overview import Trouble, troubles

WORST_SHOWN = 5


@dataclass(frozen=True)
class Status:
    at: datetime
    span: Span
    totals: Totals
    now: Standing
    heard: list[Heard] | None
    scheduler_ticks: bool
    worst: list[WorstEndpoint]
    troubles: list[Trouble]


def look(span: Span) -> Status:
    sums, now, heard, ticks = totals(span), standing(), workers(), scheduler_is_alive()
    found = troubles(now, sums, heard, scheduler_ticks=ticks, span=span)
    worst = worst_endpoints(span, most=WORST_SHOWN)
    return Status(datetime.now(UTC), span, sums, now, heard, ticks, worst, found)


# --- For people ---------------------------------------------------------------------------------------------------


def screen(status: Status) -> str:
    parts = [_heading(status), _figures(status), _worst(status.worst), _troubles(status.troubles)]
    return "\n\n".join(part for part in parts if part)


def _heading(status: Status) -> str:
    verdict = "all is well" if not status.troubles else "see below"
    return f"Triggers at {status.at:%Y-%m-%d %H:%M:%S} UTC: {verdict}"


def _figures(status: Status) -> str:
    rows = [
        ("Accepted", f"{status.totals.accepted or 0:,} events in {status.span.words}"),
        ("Attempts", _attempts(status.totals)),
        ("Delivered in", _latency(status.totals)),
        ("Waiting", _waiting(status.now)),
        ("Dead letters", _or_more(status.now.dead)),
        ("Endpoints", _endpoints(status.now)),
        ("Workers", _workers(status.heard)),
        ("Scheduler", "ticks" if status.scheduler_ticks else "not heard of"),
    ]
    return "\n".join(f"{name:<13} {words}" for name, words in rows)


def _attempts(sums: Totals) -> str:
    rate = "" if sums.success_rate is None else f" ({sums.success_rate:.1%} succeeded)"
    return f"{sums.delivered:,} delivered, {sums.failed:,} failed{rate}, {sums.dead:,} given up"


def _latency(sums: Totals) -> str:
    if sums.p50_ms is None or sums.p95_ms is None:
        return "–"
    return f"{took(sums.p50_ms)} half of them, {took(sums.p95_ms)} 95 %"


def took(milliseconds: float) -> str:
    return in_brief(milliseconds / 1000) if milliseconds >= 10_000 else f"{milliseconds:,.0f} ms"


def _waiting(now: Standing) -> str:
    oldest = "" if now.oldest_due_seconds is None else f" (the oldest for {in_brief(now.oldest_due_seconds)})"
    more = ", and more than were counted" if now.more else ""
    return f"{now.due:,} due{oldest}, {now.later:,} later, {now.held:,} held back{more}"


def _endpoints(now: Standing) -> str:
    return f"{now.enabled:,} well, {now.open_circuits:,} spared, {now.paused:,} paused, {now.disabled:,} disabled"


def _workers(heard: list[Heard] | None) -> str:
    if heard is None:
        return "unknown: Redis is away"
    alive = [worker.name for worker in heard if worker.is_alive]
    silent = [
        f"{worker.name} (silent for {in_brief(worker.seconds)})" for worker in heard if not worker.is_alive
    ]
    return ", ".join(alive + silent) or "none"


def _or_more(dead: int) -> str:
    return f"over {MOST_COUNTED:,}" if dead > MOST_COUNTED else f"{dead:,}"


def _worst(worst: list[WorstEndpoint]) -> str:
    if not worst:
        return ""
    return "\n".join(["Endpoints that fail most", *(_endpoint(one) for one in worst)])


def _endpoint(one: WorstEndpoint) -> str:
    failed = f"{one.failed:>9,} of {one.attempts:>9,} failed, {one.dead:,} given up"
    return f"  {failed}  {without_query(one.url)}  {one.tenant}"


def _troubles(found: list[Trouble]) -> str:
    return "\n".join(f"{'!!' if one.is_ours else ' !'} {one.words}\n   {one.advice}" for one in found)


# --- For programs -------------------------------------------------------------------------------------------------


def document(status: Status) -> dict[str, Any]:
    sums, now = status.totals, status.now
    return {
        "at": status.at.isoformat(),
        "span": status.span.name.lower(),
        "accepted": sums.accepted or 0,
        **{name: getattr(sums, name) for name in ("attempts", "delivered", "failed", "dead", "success_rate")},
        "p50_ms": sums.p50_ms,
        "p95_ms": sums.p95_ms,
        "waiting": {
            "due": now.due,
            "later": now.later,
            "held": now.held,
            "more": now.more,
            "oldest_due_seconds": now.oldest_due_seconds,
        },
        "dead_letters": min(now.dead, MOST_COUNTED),
        "dead_letters_more": now.dead > MOST_COUNTED,
        "endpoints": {
            "well": now.enabled,
            "spared": now.open_circuits,
            "paused": now.paused,
            "disabled": now.disabled,
        },
        "workers": None
        if status.heard is None
        else {one.name: round(one.seconds, 1) for one in status.heard},
        "scheduler_ticks": status.scheduler_ticks,
        "worst_endpoints": [
            {
                "endpoint_id": str(one.endpoint_id),
                "url": without_query(one.url),
                "organization_id": str(one.organization_id),
                "attempts": one.attempts,
                "failed": one.failed,
                "dead": one.dead,
            }
            for one in status.worst
        ],
        "troubles": [
            {"words": one.words, "advice": one.advice, "ours": one.is_ours} for one in status.troubles
        ],
    }

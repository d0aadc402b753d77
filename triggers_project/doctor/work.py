"""The work itself: schedules, who does it, what waits and what was given up."""

from collections.abc import Iterator

from django_celery_beat.models import PeriodicTask

from deliveries.heartbeat import scheduler_is_alive, workers
from deliveries.standing import MOST_COUNTED, standing
from deliveries.traffic_figures import totals
from events.spans import Span
from triggers_project.admin_overview import troubles
from triggers_project.doctor.findings import Finding, Level, fault, warning, well

# What must run, and what stays undone without.
SCHEDULES = {
    "deliveries.sweep": "retries are not sent",
    "deliveries.replay": "large replays stand still",
    "deliveries.watch_endpoints": "endpoints that fail for days are not disabled",
    "deliveries.purge": "nothing is ever removed",
    "events.count_arrivals": "accepted events are missing in the figures",
    "events.index_payloads": "the search in payloads gets slow",
}


def schedules() -> Iterator[Finding]:
    enabled: dict[str, bool] = {}
    for task, on in PeriodicTask.objects.filter(task__in=SCHEDULES).values_list("task", "enabled"):
        enabled[task] = on or enabled.get(task, False)
    for task, undone in SCHEDULES.items():
        if task not in enabled:
            advice = "Make it in the admin: Periodic tasks; every second or ten, in the queue housekeeping."
            yield fault("schedules", f"The schedule of {task} is missing: {undone}.", advice)
        elif not enabled[task]:
            advice = "Enable it in the admin: Periodic tasks."
            yield fault("schedules", f"The schedule of {task} is disabled: {undone}.", advice)
    if all(enabled.get(task) for task in SCHEDULES):
        yield well("schedules", "all there, all enabled")


def troubles_now() -> Iterator[Finding]:
    """As the front page of the desk has them."""
    now, sums, span = standing(), totals(Span.HOUR), Span.HOUR
    found = troubles(now, sums, workers(), scheduler_ticks=scheduler_is_alive(), span=span)
    for one in found:
        level = Level.FAULT if one.is_ours else Level.WARNING
        yield Finding(level, "work", one.words, one.advice)
    if not any(one.is_ours for one in found):
        yield well(
            "work", f"scheduler and workers are there; {now.due:,} deliveries are due, {now.later:,} wait"
        )


def dead_letters() -> Iterator[Finding]:
    dead = standing().dead
    if dead:
        number = f"over {MOST_COUNTED:,}" if dead > MOST_COUNTED else f"{dead:,}"
        advice = "See why they were given up, then manage.py replay. Retention removes them in the end."
        yield warning("dead letters", f"Dead letters in all: {number}.", advice)
    else:
        yield well("dead letters", "none")

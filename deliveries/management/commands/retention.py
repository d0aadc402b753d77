"""`manage.py retention`: what retention removes now, and how long that takes."""

import json
from argparse import ArgumentParser
from typing import Any

from django_celery_beat.models import PeriodicTask
from tqdm import tqdm

from deliveries.purge import purge_expired
from deliveries.retention import Expired, expired, kept_shorter, longest_kept
from deliveries.tasks import PURGE_SECONDS
from organizations.admin_words import how_many, in_brief
from organizations.audit import record
from organizations.teaching import COMMAND_LINE, TeachingCommand

TASK = "deliveries.purge"
# Measured on two cores that were busy otherwise, with a payload and two attempts each (docs/decisions/0007).
EVENTS_A_SECOND = 15_000
SECONDS = 1.0  # of removing, between two looks at how far it is


class Command(TeachingCommand):
    help = (
        "Says what retention would remove now, by tier, and how long that takes at the pace of its schedule.\n"
        'Nothing need be done: the schedule "Purge" does it, one second in ten. --yes removes it at once, at full\n'
        "speed; meanwhile fewer events can be accepted. Days are set by RETENTION_DAYS and\n"
        "RETENTION_DAYS_FREE, _PRO, _BUSINESS, _ENTERPRISE."
    )
    examples = (
        "retention                     # what would go",
        "retention --dry-run --json    # with RETENTION_DAYS_FREE=7 in the environment: if it were 7 days",
        "retention --yes               # remove it now",
    )
    exit_codes = {0: "it was said, or done", 1: "the schedule is missing or disabled, and something would go"}
    removed = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="remove it now")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would go; so it is without --yes"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document instead of words")

    def work(self, **options: Any) -> int:
        found = expired()
        if options["yes"] and not options["dry_run"]:
            return self._remove(sum(one.events for one in found), as_json=options["json"])
        return self._say_plan(found, as_json=options["json"])

    def how_to_go_on(self) -> str:
        return f"{how_many(self.removed, 'event')} were removed; the schedule, or this command, goes on from there."

    def _remove(self, total: int, *, as_json: bool) -> int:
        try:
            with tqdm(total=total, unit=" events", file=self.stderr, disable=None) as progress:
                while gone := purge_expired(days=longest_kept(), seconds=SECONDS, shorter=kept_shorter()):
                    self.removed += gone
                    progress.update(gone)
        finally:
            if self.removed:
                record(COMMAND_LINE, "retention.purged", words="events", after={"events": self.removed})
        words = f"{how_many(self.removed, 'event')} removed."
        self.stdout.write(json.dumps({"removed": self.removed}) if as_json else words)
        return 0

    def _say_plan(self, found: list[Expired], *, as_json: bool) -> int:
        total, every = sum(one.events for one in found), seconds_between()
        seconds = None if every is None else total / EVENTS_A_SECOND * max(1.0, every / PURGE_SECONDS)
        if as_json:
            tiers = {one.tier: {"days": one.days, "events": one.events, "held": one.held} for one in found}
            self.stdout.write(
                json.dumps({"dry_run": True, "tiers": tiers, "events": total, "seconds": seconds})
            )
        else:
            for one in found:
                held = f"; {one.held:,} as old wait to be sent, and stay" if one.held else ""
                self.stdout.write(f"{one.tier:<11} {one.days:>6,} days {one.events:>13,} events{held}")
            self.stdout.write(f"{how_many(total, 'event')} would go, with their deliveries and attempts.")
            if total:
                self.stdout.write(in_time(seconds))
        return 1 if total and seconds is None else 0


def in_time(seconds: float | None) -> str:
    if seconds is None:
        return "Nothing removes them: the schedule of deliveries.purge is missing or disabled."
    return f"The schedule takes some {in_brief(max(1.0, seconds))} for it. Nothing was changed."


def seconds_between() -> float | None:
    """Two ticks of the schedule; None where there is none."""
    task = PeriodicTask.objects.filter(task=TASK, enabled=True, interval__isnull=False).first()
    return None if task is None else float(task.schedule.run_every.total_seconds())

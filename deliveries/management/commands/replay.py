"""`manage.py replay`: dead letters are sent again, in the background, as from the admin."""

import json
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import Count
from tqdm import tqdm

from deliveries.admin_replay import ROWS_SHOWN, replayable
from deliveries.heartbeat import scheduler_is_alive
from deliveries.models import Delivery, Endpoint
from deliveries.picked import StaffReplay
from deliveries.querysets import DeliveryQuerySet
from deliveries.staff_replay import start_staff_replay
from events.spans import database_now
from organizations.admin_words import how_many, without_query
from organizations.models import Organization, new_id
from organizations.teaching import COMMAND_LINE, TeachingCommand, moment

LOOK_SECONDS = 0.2
FILTERS = ("organization", "endpoint", "type", "since", "until")
CANCELED = 3


@dataclass(frozen=True)
class Group:
    """What is to go to one endpoint."""

    endpoint_id: UUID
    tenant: str
    url: str
    state: str
    number: int


class Command(TeachingCommand):
    help = (
        "Sends dead letters again. Without --yes it only says how many there are, and where they would go.\n"
        "With --yes it begins the same replay as the admin: housekeeping goes on with it in the background, and this\n"
        "command shows how far it is. What is dead when it begins is replayed, and nothing that dies afterwards;\n"
        "what goes to deleted endpoints stays. Receivers see the same webhook-id again."
    )
    examples = (
        "replay --endpoint 0199f7c2-… --since 2026-11-23T08:00Z         # how many?",
        "replay --endpoint 0199f7c2-… --since 2026-11-23T08:00Z --yes   # send them",
        "replay --organization 0199f7c1-… --type 'order.*' --yes --no-wait",
        "replay --all --json",
    )
    exit_codes = {
        0: "it is done, or begun (--no-wait), or was only asked for",
        1: "it could not be begun; nothing was changed",
        CANCELED: "somebody canceled it",
    }
    replay: StaffReplay | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", type=UUID, metavar="ID", help="only this tenant's")
        parser.add_argument("--endpoint", type=UUID, metavar="ID", help="only those for this endpoint")
        parser.add_argument(
            "--type", help="only of this event type; order.* takes all that begin with order."
        )
        parser.add_argument(
            "--since", type=moment, metavar="TIME", help="created then or later: 2026-11-23T08:00Z"
        )
        parser.add_argument("--until", type=moment, metavar="TIME", help="created before then")
        parser.add_argument(
            "--all", action="store_true", help="all there are; needed when nothing else is said"
        )
        parser.add_argument("--yes", action="store_true", help="send them")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say how many; so it is without --yes"
        )
        parser.add_argument("--no-wait", action="store_true", help="don't wait until it is done")
        parser.add_argument("--json", action="store_true", help="one JSON document instead of words")

    def work(self, **options: Any) -> int:
        chosen, which = self._chosen(options)
        as_of = database_now()
        dead = replayable(chosen, as_of=as_of)
        if options["dry_run"] or not options["yes"]:
            self._say_plan(dead, which, as_json=options["json"])
            return 0
        replay = start_staff_replay(dead, replay_id=new_id(), as_of=as_of, which=which, actor=COMMAND_LINE)
        if replay is None:
            self._say(options, {"picked": 0}, f"There are no {which}; nothing was changed.")
            return 0
        self.replay = replay
        if not options["no_wait"]:
            self._wait(replay)
        return self._say_end(replay, options)

    def how_to_go_on(self) -> str:
        if self.replay is None:
            return "Nothing was changed."
        self.replay.refresh_from_db()
        return (
            f"{self.replay.looked_at:,} of {self.replay.picked:,} were looked at. The replay {self.replay.pk} goes on "
            "in the background; the admin (Replays) shows it, and cancels it."
        )

    def _chosen(self, options: dict[str, Any]) -> tuple[DeliveryQuerySet, str]:
        """Which dead letters, as a queryset and in words."""
        given = {name: options[name] for name in FILTERS if options[name] is not None}
        if not given and not options["all"]:
            raise CommandError("Say which: --organization, --endpoint, --type, --since, --until, or --all.")
        chosen, words = Delivery.objects.dead(), ["dead letters"]
        if tenant := given.get("organization"):
            chosen = chosen.filter(organization_id=tenant)
            words.append(f"of {found(Organization, tenant, 'organization')}")
        if endpoint := given.get("endpoint"):
            words.append(f"for {found(Endpoint, endpoint, 'endpoint')}")
        words += [f"{name} {given[name]}" for name in ("type", "since", "until") if name in given]
        types = [given["type"]] if "type" in given else []
        period = {name: given.get(name) for name in ("since", "until")}
        return chosen.matching(endpoint_id=endpoint, event_types=types, **period), ", ".join(words)

    def _say_plan(self, dead: DeliveryQuerySet, which: str, *, as_json: bool) -> None:
        number, groups = dead.count(), largest_groups(dead)
        if as_json:
            rows = [{**vars(group), "endpoint_id": str(group.endpoint_id)} for group in groups]
            self.stdout.write(json.dumps({"dry_run": True, "matched": number, "endpoints": rows}))
            return
        for one in groups:
            self.stdout.write(f"{one.number:>12,}  {one.url}  {one.tenant}, {one.state}")
        self.stdout.write(f"{how_many(number, 'delivery', 'deliveries')} would be sent again: {which}.")
        if number:
            self.stdout.write("Nothing was changed; say --yes to send them.")

    def _wait(self, replay: StaffReplay) -> None:
        if replay.state == StaffReplay.State.RUNNING and not scheduler_is_alive():
            self.stderr.write(
                "The scheduler is not heard of: the rest waits until it is back (manage.py doctor)."
            )
        with tqdm(total=replay.picked, unit=" deliveries", file=self.stderr, disable=None) as progress:
            progress.update(replay.looked_at)
            while replay.state == StaffReplay.State.RUNNING:
                time.sleep(LOOK_SECONDS)
                replay.refresh_from_db()
                progress.update(replay.looked_at - progress.n)

    def _say_end(self, replay: StaffReplay, options: dict[str, Any]) -> int:
        figures = {name: getattr(replay, name) for name in ("state", "picked", "looked_at", "replayed")}
        words = f"{how_many(replay.replayed, 'delivery', 'deliveries')} of {replay.picked:,} are on their way"
        rest = {"running": "; the rest follows in the background", "canceled": "; then it was canceled"}
        self._say(options, {"id": str(replay.pk), **figures}, f"{words}{rest.get(replay.state, '')}.")
        return CANCELED if replay.state == StaffReplay.State.CANCELED else 0

    def _say(self, options: dict[str, Any], figures: dict[str, Any], words: str) -> None:
        self.stdout.write(json.dumps(figures) if options["json"] else words)


def largest_groups(dead: DeliveryQuerySet) -> list[Group]:
    rows = dead.order_by().values("endpoint_id", "organization__name", "endpoint__url", "endpoint__state")
    rows = rows.annotate(number=Count("pk")).order_by("-number", "endpoint_id")[:ROWS_SHOWN]
    return [
        Group(
            row["endpoint_id"],
            row["organization__name"],
            without_query(row["endpoint__url"]),
            row["endpoint__state"],
            row["number"],
        )
        for row in rows
    ]


def found(model: Any, row_id: UUID, noun: str) -> Any:
    row = model.objects.filter(pk=row_id).first()
    if row is None:
        raise CommandError(f"There is no {noun} {row_id}.")
    return row

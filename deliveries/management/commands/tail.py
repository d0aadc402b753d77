"""`manage.py tail`: events and attempts as they happen, a line each."""

import json
import time
from argparse import ArgumentParser
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from psycopg_pool import PoolTimeout

from deliveries.live import Happening, Live
from organizations.admin_words import without_query
from organizations.models import Organization
from organizations.teaching import TeachingCommand

# An attempt is settled within its time-out and the margin of its lease.
MARGIN = timedelta(seconds=15)


class Command(TeachingCommand):
    help = (
        "Shows events as they are accepted and attempts as they end, a line each, until Ctrl-C. It asks PostgreSQL\n"
        "every second and changes nothing. What is committed late is shown late. Payloads, which may hold what is\n"
        "private, are shown only with --payloads."
    )
    examples = (
        "tail",
        "tail --organization 0199f7c1-… --type 'order.*'",
        'tail --json | jq \'select(.kind == "attempt" and .outcome != "delivered")\'',
    )
    exit_codes = {0: "ended by Ctrl-C", 1: "there is no such organization"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", type=UUID, metavar="ID", help="only this tenant's")
        parser.add_argument(
            "--type", help="only of this event type; order.* takes all that begin with order."
        )
        parser.add_argument("--payloads", action="store_true", help="shows payloads of events, too")
        parser.add_argument("--json", action="store_true", help="a JSON document a line")
        parser.add_argument(
            "--every", type=float, default=1.0, metavar="SECONDS", help="how often it asks; 1"
        )

    def work(self, **options: Any) -> int:
        wanted = options["organization"]
        if wanted and not Organization.objects.filter(pk=wanted).exists():
            raise CommandError(f"There is no organization {wanted}.")
        live = Live(
            organization_id=wanted,
            pattern=options["type"],
            payloads=options["payloads"],
            attempts_back=timedelta(seconds=settings.WEBHOOK_TIMEOUT) + MARGIN,
        )
        try:
            while True:
                self._tell(live, as_json=options["json"])
                time.sleep(max(0.05, options["every"]))
        except KeyboardInterrupt:  # which is how it ends
            return 0

    def _tell(self, live: Live, *, as_json: bool) -> None:
        """While PostgreSQL is away it says so, and goes on."""
        try:
            happened, left = live.look()
        except (DatabaseError, PoolTimeout) as error:
            connection.close()
            self.stderr.write(f"PostgreSQL can't be asked: {str(error).strip().splitlines()[0]}")
            return
        for one in happened:
            self.stdout.write(json.dumps(document(one)) if as_json else in_a_line(one))
        if left:
            self.stderr.write(f"… and {left:,} more in this moment, which are not shown.")
        self.stdout.flush()


def in_a_line(one: Happening) -> str:
    facts = one.facts
    start = f"{one.at.astimezone(UTC):%H:%M:%S.%f}"[:12] + f" {one.kind:<7} {one.type} {one.id}"
    if one.kind == "event":
        payload = f" {facts['payload']}" if facts["payload"] is not None else ""
        return f"{start} {one.tenant or '–'}{payload}"
    status = facts["status_code"] or facts["error"] or ""
    answer = f"{facts['outcome']} {status}".strip()
    where = without_query(facts["url"] or "–")
    return f"{start} → {where} attempt {facts['number']}: {answer}, {facts['duration_ms']:,} ms"


def document(one: Happening) -> dict[str, Any]:
    facts = {name: str(value) if isinstance(value, UUID) else value for name, value in one.facts.items()}
    if facts.get("payload") is None:
        facts.pop("payload", None)
    else:
        facts["payload"] = json.loads(facts["payload"])
    head = {"kind": one.kind, "at": one.at.astimezone(UTC).isoformat(), "event_id": str(one.id)}
    return {**head, "type": one.type, "tenant": one.tenant, **facts}

"""`manage.py status`: how things stand, in one screen."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from psycopg_pool import PoolTimeout

from events.spans import Span
from organizations.teaching import TeachingCommand
from triggers_project.status_screen import Status, document, look, screen

SPANS = {"hour": Span.HOUR, "day": Span.DAY, "week": Span.WEEK}
TO_THE_TOP = "\x1b[H\x1b[2J"


class Command(TeachingCommand):
    help = (
        "Shows how things stand: what came in and what became of it, what waits, who works, which endpoints fail\n"
        "most, and what to do about it. It reads figures that are kept, and is as quick however much is stored."
    )
    examples = (
        "status",
        "status --watch            # anew every 2 seconds, until Ctrl-C",
        "status --span day --json | jq .waiting.due",
    )
    exit_codes = {
        0: "all is well",
        1: "some endpoints are in trouble, or PostgreSQL can't be reached",
        2: "it is us: nothing is sent, or late",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--span", choices=SPANS, default="hour", help="how far figures look back")
        parser.add_argument(
            "--json", action="store_true", help="one JSON document (a line each with --watch)"
        )
        parser.add_argument(
            "--watch",
            type=float,
            nargs="?",
            const=2.0,
            metavar="SECONDS",
            help="shows it anew, every 2 seconds",
        )

    def work(self, **options: Any) -> int:
        span = SPANS[options["span"]]
        if options["watch"] is None:
            return self._show(self._looked(span), as_json=options["json"])
        try:
            while True:
                self._show_anew(span, as_json=options["json"])
                time.sleep(max(0.1, options["watch"]))
        except KeyboardInterrupt:  # which is how it ends
            return 0

    def _looked(self, span: Span) -> Status:
        try:
            return look(span)
        except (DatabaseError, PoolTimeout) as error:
            connection.close()
            raise CommandError(f"PostgreSQL can't be asked: {str(error).splitlines()[0]}") from None

    def _show_anew(self, span: Span, *, as_json: bool) -> None:
        """While PostgreSQL is away it says so, and goes on."""
        try:
            status = self._looked(span)
        except CommandError as error:
            self.stderr.write(str(error))
            return
        if self.stdout.isatty() and not as_json:
            self.stdout.write(TO_THE_TOP, ending="")
        self._show(status, as_json=as_json)

    def _show(self, status: Status, *, as_json: bool) -> int:
        self.stdout.write(json.dumps(document(status)) if as_json else screen(status))
        self.stdout.flush()
        if not status.troubles:
            return 0
        return 2 if any(one.is_ours for one in status.troubles) else 1

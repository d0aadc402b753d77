"""What our commands share: a `--help` that teaches, and words after Ctrl-C."""

import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.utils.dateparse import parse_date, parse_datetime

from organizations.audit import Actor

INTERRUPTED = 130  # as shells have it: 128 + SIGINT


class KeptHelp(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Leaves lines as they are written."""


class TeachingCommand(BaseCommand):
    """A command says in `work` what it does and returns its exit code; `examples` and `exit_codes` end its help."""

    examples: Sequence[str] = ()
    exit_codes: Mapping[int, str] = {}

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        epilog = f"{self._examples()}\n\n{self._exit_codes()}"
        return super().create_parser(prog_name, subcommand, formatter_class=KeptHelp, epilog=epilog, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = self.work(**options)
        except KeyboardInterrupt:
            self.stderr.write(f"\nInterrupted. {self.how_to_go_on()}")
            code = INTERRUPTED
        if code:
            sys.exit(code)

    def work(self, **options: Any) -> int:
        raise NotImplementedError

    def how_to_go_on(self) -> str:
        """What is said after Ctrl-C: how far it came, and what to do."""
        return "Nothing was changed."

    def _examples(self) -> str:
        return "\n".join(["examples:", *(f"  manage.py {example}" for example in self.examples)])

    def _exit_codes(self) -> str:
        codes = {**self.exit_codes, INTERRUPTED: "interrupted by Ctrl-C"}
        return "\n".join(["exit codes:", *(f"  {code:<4} {words}" for code, words in codes.items())])


def moment(text: str) -> datetime:
    """`2026-11-23` or `2026-11-23T09:30:00Z`, in UTC when it names no zone. ValueError: argparse says so."""
    found = parse_datetime(text)
    if found is None:
        day = parse_date(text)
        if day is None:
            raise ValueError(text)
        found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# Who the audit log says it was.
COMMAND_LINE = Actor(None, "command line")

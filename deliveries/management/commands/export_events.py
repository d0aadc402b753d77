"""`manage.py export_events --organization ID`: a tenant's events as JSON lines, as the API shows them."""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import msgspec
from django.core.management.base import CommandError
from tqdm import tqdm

from deliveries.event_status import with_status
from events.models import Event
from events.querysets import EventQuerySet
from organizations.audit import record
from organizations.models import Organization
from organizations.teaching import COMMAND_LINE, TeachingCommand, moment

# Events asked for at once. All of the largest size they take 128 MB.
PAGE = 500
FIRST_BYTES = b'{"id":'  # of an export
_FIELDS = ("id", "type", "payload", "dedup_id", "status", "created_at", "acknowledged_at")
_COLUMNS = tuple("payload_text" if name == "payload" else name for name in _FIELDS)


class Command(TeachingCommand):
    help = (
        "Writes a tenant's events, the oldest first, one JSON document a line, each as GET /api/events has it.\n"
        "Events that come after it began are left out. It reads a page at a time: it needs little memory however many\n"
        "there are, and holds no transaction open meanwhile; an event's status is that of the moment it was read.\n"
        "Interrupted, it goes on with --resume (a file) or --after (the last id that was written)."
    )
    examples = (
        "export_events --organization 0199f7c1-… --output acme.jsonl",
        "export_events --organization 0199f7c1-… --output acme.jsonl --resume",
        "export_events --organization 0199f7c1-… --type order.created --since 2026-11-01 | gzip > orders.jsonl.gz",
    )
    exit_codes = {0: "all is written", 1: "nothing was, or no more than it says"}
    written = 0
    last: UUID | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", type=UUID, required=True, metavar="ID")
        parser.add_argument(
            "--since", type=moment, metavar="TIME", help="created then or later: 2026-11-23T08:00Z"
        )
        parser.add_argument("--until", type=moment, metavar="TIME", help="created before then")
        parser.add_argument("--type", help="exactly this event type")
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="a new file, for its owner's eyes only"
        )
        parser.add_argument(
            "--after", type=UUID, metavar="ID", help="only events after this one, in order of ids"
        )
        parser.add_argument("--resume", action="store_true", help="goes on where FILE ends")

    def work(self, **options: Any) -> int:
        organization = Organization.objects.filter(pk=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        began = time.monotonic()
        try:
            with self._opened(options) as output:
                self._write(output, wanted(organization, options))
        except BrokenPipeError:  # whoever read it has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:
            if self.written:
                record(COMMAND_LINE, "events.exported", row=organization, after={"events": self.written})
        self.stderr.write(f"{self.written:,} events in {time.monotonic() - began:.1f} s.")
        return 0

    def how_to_go_on(self) -> str:
        if self.last is None:
            return "Nothing was written."
        return f"{self.written:,} events were written. To go on: --resume with --output, else --after {self.last}."

    def _write(self, output: IO[str], events: EventQuerySet) -> None:
        newest = events.order_by("-pk").values_list("pk", flat=True).first()
        if newest is None:
            return
        total = events.count() if sys.stderr.isatty() else None
        with tqdm(total=total, unit=" events", file=self.stderr, disable=None) as progress:
            for page in pages(events.filter(pk__lte=newest)):
                output.write(in_lines(page))
                output.flush()
                self.written, self.last = self.written + len(page), page[-1][0]
                progress.update(len(page))

    @contextmanager
    def _opened(self, options: dict[str, Any]) -> Iterator[IO[str]]:
        """Where lines go. Sets `after` when it goes on with a file."""
        path: Path | None = options["output"]
        if options["resume"]:
            if path is None or options["after"]:
                raise CommandError("--resume goes with --output, and without --after.")
            options["after"] = last_of(path)
            theirs = Event.objects.exclude(organization_id=options["organization"]).filter(
                pk=options["after"]
            )
            if theirs.exists():
                raise CommandError(f"{path} has the events of another tenant; nothing was written.")
        if path is None:
            yield self.stdout  # type: ignore[misc]
            return
        how = os.O_APPEND if options["resume"] or options["after"] else os.O_EXCL
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
        except FileExistsError:
            raise CommandError(f"{path} is there already. Name another, or go on with --resume.") from None
        with open(descriptor, "w", encoding="utf-8") as file:
            yield file


def wanted(organization: Organization, options: dict[str, Any]) -> EventQuerySet:
    events = Event.objects.of(organization).of_type(options["type"])
    events = events.between(options["since"], options["until"])
    return events.filter(pk__gt=options["after"]) if options["after"] else events


def pages(events: EventQuerySet) -> Iterator[list[Any]]:
    """By id, which an index has them by; each page in a statement of its own."""
    rows = with_status(events).order_by("pk").values_list(*_COLUMNS)
    page = list(rows[:PAGE])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1][0])[:PAGE])


def in_lines(page: list[Any]) -> str:
    """The payload is written as PostgreSQL has it, never parsed."""
    encode = msgspec.json.Encoder(order=None).encode
    return "".join(
        encode(dict(zip(_FIELDS, (*row[:2], msgspec.Raw(row[2].encode()), *row[3:]), strict=True))).decode()
        + "\n"
        for row in page
    )


def last_of(path: Path) -> UUID | None:
    """The id in the file's last whole line; what an interruption left of another is cut off. None: it is empty."""
    try:
        with path.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            start, tail = end, b""
            # From its end, a piece at a time, until a whole line is there, or all of the file.
            while start and tail.count(b"\n") < 2:
                size = min(start, 1 << 20)
                start = file.seek(start - size)
                tail = file.read(size) + tail
            whole = tail[: tail.rfind(b"\n") + 1]
            if not end:
                return None
            if not whole:
                if not tail.startswith(FIRST_BYTES):
                    raise ValueError("There is no whole line in it.")
                file.truncate(0)
                return None
            last = UUID(msgspec.json.decode(whole.splitlines()[-1])["id"])
            file.truncate(start + len(whole))  # only now: it is an export
        return last
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, msgspec.DecodeError):
        raise CommandError(f"{path} does not end as an export does; nothing was written.") from None

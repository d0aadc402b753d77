"""`make demo EVENTS=file.jsonl`: one's own events, sent, received, verified and compared."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from events.incoming import read_event
from organizations.errors import InvalidBody, MalformedBody
from triggers_project.local.demo.api import Api
from triggers_project.local.demo.screen import NotAsTold
from triggers_project.local.demo.system import Place, large_tenant

MOST_EVENTS, MOST_BYTES = 100, 4 * 1024 * 1024  # of one batch


class BadFile(Exception):
    """The file can't be sent; the message names the line."""


@dataclass(frozen=True)
class Line:
    """One event of the file, as it stands there."""

    number: int
    text: bytes


def read_lines(path: Path) -> list[Line]:
    """The events of the file, empty lines left out. Raises BadFile if any of them can't be taken."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} can't be read: {error.strerror}.") from None
    numbered = enumerate(content.split(b"\n"), start=1)
    lines = [Line(number, text.strip()) for number, text in numbered if text.strip()]
    if not lines:
        raise BadFile(f"{path} holds no events.")
    dedup_ids: set[str] = set()
    for line in lines:
        dedup_id = _check(path, line)
        if dedup_id in dedup_ids:
            raise BadFile(f"{path}, line {line.number}: dedup_id: an earlier line has the same.")
        dedup_ids |= {dedup_id} if dedup_id else set()
    return lines


def _check(path: Path, line: Line) -> str | None:
    """By the same rules as the API. Returns the event's dedup id."""
    try:
        return read_event(line.text).dedup_id
    except (MalformedBody, InvalidBody) as error:
        faults = "; ".join(
            f"{pointer.removeprefix('#/')}: {words}" for pointer, words in getattr(error, "fields", [])
        )
        raise BadFile(f"{path}, line {line.number}: {faults or error}") from None


def send(here: Place, lines: list[Line]) -> None:
    """Sends all of them, waits for all of them and compares. Raises NotAsTold."""
    here.screen.step(f"{len(lines):,} events of your own", "POST /api/events/batch")
    here.screen.explain("From a tenant of the highest tier; one that signs up may send 100 a minute.")
    api = large_tenant(here, "own", tier="enterprise")
    sent: dict[str, Line] = {}
    with here.screen.progress("posted", len(lines), "events") as bar:
        for batch in batches(lines):
            sent.update(post(api, batch))
            bar.update(len(batch))
    here.screen.done(f"{len(sent):,} accepted")
    with here.screen.progress("received", len(lines), "events") as bar:

        def all_there() -> bool:
            bar.update(len(here.receiver.delivered) - bar.n)
            return here.receiver.delivered.keys() >= sent.keys()

        here.until(all_there, "every accepted event arrives", timeout=60 + len(lines) / 100)
    here.screen.expect(
        len(here.receiver.delivered) == len(lines),
        f"{len(lines):,} different ones arrived, each signature verified",
        otherwise=f"{len(here.receiver.delivered):,} arrived",
    )
    compare(here, sent)


def batches(lines: list[Line]) -> list[list[Line]]:
    """In order, none with more events or bytes than a batch may have."""
    made: list[list[Line]] = [[]]
    size = 0
    for line in lines:
        if made[-1] and (len(made[-1]) == MOST_EVENTS or size + len(line.text) > MOST_BYTES):
            made.append([])
            size = 0
        made[-1].append(line)
        size += len(line.text) + 1
    return made


def post(api: Api, batch: list[Line]) -> dict[str, Line]:
    """Posts the lines as they stand in the file. Returns each by its event's id."""
    body = b'{"events":[' + b",".join(line.text for line in batch) + b"]}"
    results = api.post("/api/events/batch", body, expect=202)["results"]
    return {result["id"]: line for result, line in zip(results, batch, strict=True)}


def compare(here: Place, sent: dict[str, Line]) -> None:
    received = here.receiver.delivered
    for event_id, line in sent.items():
        wanted, found = exact_json(line.text), exact_json(received[event_id].body)
        if not (same(wanted["type"], found["type"]) and same(wanted["payload"], found["data"])):
            raise NotAsTold(
                f"each is equal to what was sent: no, line {line.number} is not (event {event_id})."
            )
    here.screen.done("each is equal, as JSON and to the last digit, to what was sent")


def exact_json(text: bytes) -> Any:
    """Parsed without rounding a number."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def same(one: Any, other: Any) -> bool:
    """Whether two parsed values are the same JSON. In Python, true equals 1; in JSON it does not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)

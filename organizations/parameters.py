"""Query parameters, read strictly: an empty one counts as absent, an invalid one raises InvalidQuery.

Unknown parameters are nobody's business. `query` is what Django calls a QueryDict: names to strings.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

from organizations.errors import InvalidQuery

Query = Mapping[str, str]

TEXT = {"type": "string", "pattern": r"^[^\x00]*$"}  # what `text` takes, as JSON Schema
FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def whole_number(query: Query, name: str, default: int, *, least: int, most: int) -> int:
    raw = query.get(name, "")
    if not raw:
        return default
    if not (raw.isascii() and raw.isdecimal()) or len(raw) > 9 or not least <= int(raw) <= most:
        raise InvalidQuery([(name, f"This is not a whole number from {least} to {most}.")])
    return int(raw)


def moment(query: Query, name: str) -> datetime | None:
    """An RFC 3339 time with an offset."""
    raw = query.get(name, "")
    if not raw:
        return None
    try:
        found = parse_datetime(raw.replace(" ", "+"))  # a "+" that was not escaped arrives as a space
        if found is not None and found.tzinfo is not None:
            return _in_utc(found)
    except ValueError:
        pass
    raise InvalidQuery([(name, "This is not an RFC 3339 time such as 2026-01-31T12:00:00Z.")])


def _in_utc(moment: datetime) -> datetime:
    """PostgreSQL takes no offset beyond 15:59. What falls out of the calendar is its end: nothing is beyond it."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST_MOMENT if moment.year == 1 else LAST_MOMENT


def identifier(query: Query, name: str) -> uuid.UUID | None:
    raw = query.get(name, "")
    if not raw:
        return None
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise InvalidQuery([(name, "This is not a UUID.")]) from None


def choice(query: Query, name: str, choices: Sequence[str]) -> str | None:
    raw = query.get(name, "")
    if raw and raw not in choices:
        raise InvalidQuery([(name, f"This is none of {', '.join(choices)}.")])
    return raw or None


def text(query: Query, name: str) -> str | None:
    raw = query.get(name, "")
    if "\x00" in raw:
        raise InvalidQuery([(name, "This holds a NUL character.")])
    return raw or None

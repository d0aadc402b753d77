"""Why deliveries were given up, from what is kept of their last attempt: its status code and its sentence.

A cause is a short text: `503`, or the sentence without what differs from attempt to attempt, such as seconds and dates.
There is no column for it, which every settled delivery would have to write, for the few that die.
PostgreSQL works it out, so that a list is narrowed down to a cause by the same words that it was grouped by. It costs a
little, so deliveries are first grouped by what they have, and the few that are left then by their cause.
"""

import http.client
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, Func, Max, Min, Q, QuerySet, TextField
from django.db.models.functions import Cast

MOST_GROUPS = 100  # shown, the largest
UNKNOWN = "none"

# What differs within a cause, and what stands there instead.
_VARYING = (
    (" within [0-9.e+]+ s[.].*$", " in time."),
    (" expired [0-9]+ [a-z]+ ago, on [0-9-]+", " expired"),
    (" before [0-9-]+, in [0-9]+ [a-z]+", " yet"),
    ("^[0-9]+ times", "Several times"),
)


def _cause_of(code: str, error: str) -> str:
    """The cause as SQL, of two columns; the code as text."""
    words = error
    for pattern, instead in _VARYING:
        words = f"regexp_replace({words}, '{pattern}', '{instead}')"
    return (
        f"CASE WHEN {error} = '' OR starts_with({error}, 'The receiver answered ')"
        f" THEN coalesce({code}, '{UNKNOWN}') ELSE {words} END"
    )


def cause() -> Func:
    """The cause of a delivery, for a query."""
    return Func(
        Cast(F("last_status_code"), TextField()),
        F("last_error"),
        template="(SELECT {} FROM (VALUES (%(expressions)s)) AS last (code, error))".format(
            _cause_of("last.code", "last.error")
        ),
        output_field=TextField(),
    )


_GROUPS = f"""\
SELECT endpoint_id, cause, number, oldest, newest, count(*) OVER () AS groups, sum(number) OVER () AS deliveries
FROM (
    SELECT endpoint_id, {_cause_of("code::text", "error")} AS cause, sum(number)::bigint AS number,
        min(oldest) AS oldest, max(newest) AS newest
    FROM ({{which}}) AS alike (endpoint_id, code, error, number, oldest, newest)
    GROUP BY 1, 2
) AS by_cause
ORDER BY number DESC, endpoint_id, cause LIMIT {MOST_GROUPS}
"""


@dataclass(frozen=True)
class Group:
    """Dead letters of one endpoint and one cause. When the first and the last of them died."""

    endpoint_id: uuid.UUID
    cause: str
    number: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True)
class Grouped:
    """The largest groups, and how many groups and deliveries there are in all."""

    largest: list[Group]
    groups: int
    deliveries: int


def group_by_cause(dead: "QuerySet[Any]") -> Grouped:
    alike = dead.order_by().values("endpoint_id", "last_status_code", "last_error")
    counted = alike.annotate(number=Count("pk"), oldest=Min("settled_at"), newest=Max("settled_at"))
    try:
        which, parameters = counted.query.sql_with_params()
    except EmptyResultSet:  # what Django knows to be nothing has no SQL
        return Grouped([], 0, 0)
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS.format(which=which), parameters)
        rows = cursor.fetchall()
    groups, deliveries = (int(number) for number in rows[0][-2:]) if rows else (0, 0)
    return Grouped([Group(*row[:-2]) for row in rows], groups, deliveries)


def in_words(cause: str) -> str:
    """`503 Service Unavailable`, or the sentence."""
    if cause == UNKNOWN:
        return "No answer was noted"
    return f"{cause} {http.client.responses.get(int(cause), '')}".strip() if cause.isdecimal() else cause


# --- Kinds of causes ----------------------------------------------------------------------------------------------


def _says(*beginnings: str) -> Q:
    found = Q()
    for beginning in beginnings:
        found |= Q(last_error__startswith=beginning)
    return found


def _answered(first: int, last: int) -> Q:
    """An answer that came whole: one that broke off or took too long has a code as well."""
    return Q(last_status_code__range=(first, last)) & (_says("The receiver answered ") | Q(last_error=""))


_GONE = _answered(410, 410)
_CODES = _answered(100, 999)
_TIMEOUT = _says("No whole answer within ", "No connection within ", "No TLS handshake within ")
_REFUSED = _says("No connection: ", "The URL can't be used.")
_NAME = _says("The host name does not resolve.")
_TLS = _says("The TLS handshake failed.", "Its TLS certificate is not valid: ")
_FORBIDDEN = _says("The host leads to an address that is not public", "It was not called: ")
_BROKEN = _says("It sent more than ", "What came back is not HTTP.", "The connection ended before ")

KINDS: dict[str, tuple[str, Q]] = {
    "5xx": ("Answered 5xx", _answered(500, 599)),
    "4xx": ("Answered 4xx", _answered(400, 499) & ~Q(last_status_code=410)),
    "410": ("Answered 410: gone for good", _GONE),
    "3xx": ("Answered with a redirect", _answered(300, 399)),
    "timeout": ("Timed out", _TIMEOUT),
    "connection": ("Connection refused or unreachable", _REFUSED),
    "name": ("Host name does not resolve", _NAME),
    "tls": ("TLS: certificate or handshake", _TLS),
    "forbidden": ("Address is not public", _FORBIDDEN),
    "broken": ("Answer broke off or is not HTTP", _BROKEN),
    "ours": (
        "Not sent: a fault on this side",
        ~(_CODES | _TIMEOUT | _REFUSED | _NAME | _TLS | _FORBIDDEN | _BROKEN),
    ),
}

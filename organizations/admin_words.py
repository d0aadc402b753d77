"""How the admin's pages say things: when it was, which tenant, what state."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

from django.db.models import Model
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil

LONGEST_URL_SHOWN = 80


def exactly(moment: datetime) -> str:
    """As a <time> that `desk.js` puts into the viewer's zone."""
    return timed(moment, in_utc(moment), css="exactly")


def in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(moment: datetime | None, *, never: str = "–") -> str:
    """`3 hours ago`, or `in 5 minutes`, as a <time> that tells the exact moment when it is pointed at."""
    if moment is None:
        return never
    now = timezone.now()
    if abs((moment - now).total_seconds()) < 60:
        return timed(moment, "just now" if moment <= now else "within a minute")
    if moment < now:
        return timed(moment, f"{timesince(moment, now, depth=1)} ago")
    return timed(moment, f"in {timeuntil(moment, now, depth=1)}")


def planned(moment: datetime) -> str:
    """`in 5 minutes`, or `now` for what is due."""
    return timed(moment, "now", css="") if moment <= timezone.now() else ago(moment)


def timed(moment: datetime, words: str, *, css: str = "ago") -> SafeString:
    iso = moment.astimezone(UTC).isoformat()
    return format_html('<time class="{}" datetime="{}" title="{}">{}</time>', css, iso, in_utc(moment), words)


def without_query(url: str) -> str:
    """The URL without its query string, which may hold a token. Shortened in the middle when it is long."""
    bare = urlsplit(url)._replace(query="", fragment="").geturl()
    if len(bare) <= LONGEST_URL_SHOWN:
        return bare
    return f"{bare[: LONGEST_URL_SHOWN - 21]}…{bare[-20:]}"


def breakable(text: str) -> SafeString:
    """A URL or an event type, which may be broken after its dots, slashes, dashes and underscores."""
    parts = re.findall(r"[^./_-]*[./_-]*", escape(text))  # what escaping adds has none of these
    return mark_safe("<wbr>".join(parts))  # noqa: S308  (of escaped parts)


def page_of(row: Model) -> str:
    """The address of a row's page in the admin."""
    return page_at(type(row), row.pk)


def page_at(model: type[Model], pk: object) -> str:
    """The same, of a row that is not at hand."""
    return address(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", pk)


def address(name: str, pk: object) -> str:
    """As `reverse(name, args=[pk])`, for the hundreds on a page: the way to it is found once for all rows."""
    before, after = _around(name, get_script_prefix())
    return f"{before}{quote(str(pk))}{after}"


@lru_cache(maxsize=256)
def _around(name: str, prefix: str) -> tuple[str, str]:
    """What comes before and after an id; `prefix` is part of it."""
    anything = str(uuid.UUID(int=0))
    before, _, after = reverse(name, args=[anything]).partition(anything)
    return before, after


def link_to(row: Model, text: str, *, css: str = "") -> SafeString:
    return link_at(type(row), row.pk, text, css=css)


def link_at(model: type[Model], pk: object, text: str, *, css: str = "") -> SafeString:
    return format_html('<a href="{}" class="{}">{}</a>', page_at(model, pk), css, text)


def badge(state: str, words: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', state, words)


def lasted(milliseconds: int) -> str:
    """`850 ms`, `29.7 s`."""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def pairs(of: Mapping[str, object]) -> list[tuple[str, object]]:
    """What a template loops over: `.items` would be the value of a header called items."""
    return list(of.items())


def in_brief(seconds: float) -> str:
    """`45 s`, `3 min`, `2 h`, `4 days`."""
    for unit, size, least in (("days", 86400, 172800), ("h", 3600, 3600), ("min", 60, 60)):
        if seconds >= least - size / 120:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def how_many(number: int, one: str, many: str | None = None) -> str:
    """`1 delivery`, `37 deliveries`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(share: float | None) -> str:
    """`99.2 %` of 0.992; never 100 % or 0 % of what is not quite that. A dash where there is none."""
    if share is None:
        return "–"
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    return f"{min(99.9, max(0.1, share * 100)):.1f} %"

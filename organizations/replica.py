"""Reads that may be a moment old, from a replica. When it would not do, the primary is asked: docs/decisions/0021.

    @may_lag(EventNotFound)
    def get(self, request, event_id): ...

A replica does for a tenant's read while it answers, is not too far behind, and has what the tenant changed last.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from organizations import redis_client
from organizations.authentication import tenant_of
from organizations.errors import Refused
from organizations.metrics import replica_fallbacks, replica_reads
from organizations.models import Organization
from organizations.redis_servers import slot_of
from organizations.replica_watch import PRIMARY, REPLICA, Watch, newest_position, replayed_position

SLACK = 5  # seconds that a change is remembered longer than a replica may be behind
TROUBLE = (OperationalError, InterfaceError)  # of a pool, too: Django makes its own of them

# Of two changes at once the earlier may be noted last. It leaves the note as it is, with the time it has left: whoever
# has the later change has both. And so a note of a primary that was ahead of the one there is now is soon forgotten.
_KEEP_NEWEST = """
for _, key in ipairs(KEYS) do
    if tonumber(redis.call('GET', key) or 0) < tonumber(ARGV[1]) then
        redis.call('SET', key, ARGV[1], 'EX', ARGV[2])
    end
end
"""

T = TypeVar("T")

_reads_from: ContextVar[str] = ContextVar("reads_from", default=PRIMARY)


class _Known:
    """By this process."""

    watch = Watch()


class Router:
    """Django's: whatever is written, and whatever is not read within `may_lag`, is the primary's."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _reads_from.get()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return PRIMARY

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, alias: str, app_label: str, **hints: Any) -> bool:
        return alias != REPLICA


def reads_from() -> str:
    """The alias of the connection that queries go to here."""
    return _reads_from.get()


def may_lag(*missing: type[Refused]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """For a view's `get`. What is `missing` on the replica is looked for on the primary: it may have come just now."""

    def wrapped(get: Callable[..., T]) -> Callable[..., T]:
        @wraps(get)
        def answer(view: Any, request: Any, *args: Any, **kwargs: Any) -> T:
            return read(tenant_of(request), lambda: get(view, request, *args, **kwargs), missing=missing)

        return answer

    return wrapped


def read(organization: Organization, ask: Callable[[], T], *, missing: tuple[type[Refused], ...] = ()) -> T:
    """What `ask` finds, on the replica if that will do."""
    if REPLICA not in connections:
        return ask()
    why = _why_not(organization)
    if not why:
        try:
            with _reading_replica():
                found = ask()
        except TROUBLE as error:
            why = _what_went_wrong(error)
        except missing:
            why = "missing"
        else:
            replica_reads.inc()
            return found
    replica_fallbacks.labels(why).inc()
    return ask()


def note_changes(organizations: Iterable[Organization]) -> None:
    """They have changed something, which is committed: their next reads must show it, wherever they are made."""
    keys = {_key(organization) for organization in organizations} if REPLICA in connections else None
    if not keys:
        return
    try:
        position = newest_position()
    except TROUBLE:  # what was changed is changed, and is answered as that
        return
    redis_client.ask(lambda redis: _note(redis, keys, position), what="replica")


def forget() -> None:
    """As a fresh process would (for tests)."""
    _Known.watch = Watch()


@contextmanager
def _reading_replica() -> Iterator[None]:
    token = _reads_from.set(REPLICA)
    try:
        yield
    finally:
        _reads_from.reset(token)


def _why_not(organization: Organization) -> str:
    """Why its read is the primary's; empty when the replica will do."""
    if why := _Known.watch.why_not(most=settings.DATABASE_REPLICA_LAG):
        return why
    noted = redis_client.ask(lambda redis: (redis.get(_key(organization)),), what="replica")
    if noted is None:
        return "redis"
    if noted[0] is None:
        return ""
    try:
        return "" if replayed_position() >= int(noted[0]) else "changed"
    except TROUBLE as error:
        return _what_went_wrong(error)


def _note(redis: Any, keys: Iterable[str], position: int) -> None:
    """In a cluster one call for each slot, for a script can't look beyond its own."""
    by_slot: dict[int, list[str]] = {}
    for key in keys:
        by_slot.setdefault(slot_of(redis, key), []).append(key)
    script = redis.register_script(_KEEP_NEWEST)
    for part in by_slot.values():
        script(part, (position, settings.DATABASE_REPLICA_LAG + SLACK))


def _what_went_wrong(error: Exception) -> str:
    """A query that stood in the way of what is replayed was canceled: that tells nothing of the next."""
    if isinstance(error.__cause__, psycopg.errors.SerializationFailure):
        return "canceled"
    _Known.watch.note_failure(error)
    return "away"


def _key(organization: Organization) -> str:
    return f"triggers:changed:{organization.pk}"

"""Does the replica answer, and how far is it behind? In positions of the write-ahead log, which need no clocks."""

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections

log = structlog.get_logger(__name__)

PRIMARY, REPLICA = "default", "replica"
LOOK_EVERY = 1.0  # seconds
LOOK_TAKES = 1.0  # seconds; while one takes longer, the replica is silent, and nobody else is to wait for it
REST = (
    5.0  # seconds after a failure: a replica that hangs costs its time-out so often, and not with each read
)

_NEWEST = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_WRITTEN = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
# None where nothing is replayed: a server that was promoted goes ways of its own.
_REPLAYED = """
SELECT CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint END
"""
_SINCE_LAST = """
SELECT extract(
    epoch FROM clock_timestamp() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())
)::float
"""


class NoReplica(OperationalError):
    """What DATABASE_REPLICA_URL leads to replays nothing."""


class _Mark(NamedTuple):
    """Up to where the primary had written, and when that was (`time.monotonic`)."""

    at: float
    position: int


def newest_position() -> int:
    """Behind everything that is committed on the primary."""
    return int(_ask(PRIMARY, _NEWEST))


def replayed_position() -> int:
    """Up to where the replica has come. Raises what Django and its pool do, or NoReplica."""
    found = _ask(REPLICA, _REPLAYED)
    if found is None:
        raise NoReplica("it replays nothing, so it is no replica, or was promoted")
    return int(found)


def measured_lag(*, patience: float = 0.5) -> float:
    """Seconds. Up to `patience` as they are counted here, beyond it by the clocks of both servers."""
    began, wanted = time.monotonic(), int(_ask(PRIMARY, _WRITTEN))
    while replayed_position() < wanted:
        if time.monotonic() > began + patience:
            return max(patience, float(_ask(REPLICA, _SINCE_LAST)))
        time.sleep(0.01)
    return time.monotonic() - began


@dataclass
class Watch:
    """What this process knows of the replica. One thread looks, about once a second while it is asked for."""

    why: str = "behind"
    caught_up: float = -math.inf  # whatever was written before, it has
    mark: _Mark | None = None
    began: float = field(default_factory=time.monotonic)
    _next_look: float = -math.inf
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _look_began: float = math.inf
    _told: str = ""

    def why_not(self, *, most: float) -> str:
        """Why it should not be asked: `away`, or `behind` by more than `most` seconds; empty when it may be."""
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                self._look_began = time.monotonic()
                self._look(most)
            finally:
                self._look_began = math.inf
                self._looking.release()
        return self._known(most)

    def _known(self, most: float) -> str:
        """What the last look found holds for a while only: after an idle hour many may ask while one looks."""
        now = time.monotonic()
        if now - self._look_began > LOOK_TAKES:
            return "away"
        if self.why:
            return self.why
        return "" if now - self.caught_up <= most else "behind"

    def note_failure(self, error: Exception) -> None:
        self._next_look = time.monotonic() + REST
        self._say("away", error=type(error).__name__)

    def _look(self, most: float) -> None:
        now, written = time.monotonic(), int(_ask(PRIMARY, _WRITTEN))
        self._next_look = now + LOOK_EVERY
        try:
            replayed = replayed_position()
        except (DatabaseError, InterfaceError) as error:
            self.note_failure(error)
            return
        self._compare(_Mark(now, written), replayed)
        if now - self.caught_up <= most:
            self._say("")
        elif now - max(self.caught_up, self.began) > most:
            self._say("behind", seconds=round(now - max(self.caught_up, self.began), 1))
        else:
            self.why = "behind"  # it is not known yet

    def _compare(self, newest: _Mark, replayed: int) -> None:
        """Under load it is never where the primary is now: so it is asked whether it is where the primary was."""
        if replayed >= newest.position:
            self.caught_up, self.mark = newest.at, None
        elif self.mark is None:
            self.mark = newest
        elif replayed >= self.mark.position:
            self.caught_up, self.mark = self.mark.at, newest

    def _say(self, why: str, **facts: object) -> None:
        """One line for each change."""
        self.why = why
        if why != self._told:
            self._told = why
            if why:
                log.warning("replica.left_out", why=why, **facts)
            else:
                log.info("replica.in_use")


def _ask(alias: str, statement: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]

"""A connection that is given up when the server is silent.

While a server hangs, its machine acknowledges what is sent: no time-out of TCP ends the wait, and a statement's own
(`statement_timeout`) is the server's to keep.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen

SILENCE = 2.0  # seconds

_longest: ContextVar[float] = ContextVar("longest")


class Impatient(psycopg.Connection[Any]):
    """Closed, with an OperationalError, when an answer takes too long: what comes later belongs to nobody."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        longest = _longest.get(SILENCE) if timeout is None else timeout
        try:
            return super().wait(gen, interval, longest)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"it was silent for {longest:g} s") from None


@contextmanager
def answers_within(seconds: float) -> Iterator[None]:
    """For statements that may take longer: their server ends them at some time."""
    token = _longest.set(max(seconds, SILENCE))
    try:
        yield
    finally:
        _longest.reset(token)

"""Two that move many rows in different orders can wait for each other; PostgreSQL ends one of them, who tries again."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
import structlog
from django.db import OperationalError, connection

log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

TIMES = 4


def again_after_deadlock(call: Callable[P, T]) -> Callable[P, T]:
    """For a function that is one transaction. Within another's it can't be tried again: that one is lost as a whole."""

    @wraps(call)
    def persistent(*args: P.args, **kwargs: P.kwargs) -> T:
        for left in reversed(range(TIMES)):
            try:
                return call(*args, **kwargs)
            except OperationalError as error:
                deadlock = isinstance(error.__cause__, psycopg.errors.DeadlockDetected)
                if not deadlock or not left or connection.in_atomic_block:
                    raise
                log.info("database.deadlock", call=call.__name__)
        raise AssertionError("unreachable")

    return persistent

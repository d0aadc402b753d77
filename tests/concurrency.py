"""Many callers at once, and one that waits for another."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections, transaction

T = TypeVar("T")


def at_once(calls: list[Callable[[], T]], *, database: bool = True) -> list[T | Exception]:
    """What each call gave, or raised, all of them begun together, each with a database connection of its own."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | Exception:
        try:
            if database:
                connection.ensure_connection()
            barrier.wait(30)
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@contextmanager
def in_another_thread(call: Callable[[], T]) -> Iterator["Future[T]"]:
    """Starts the call, on a database connection of its own; the block's end waits for it."""

    def run() -> T:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '20s'")
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run)


@contextmanager
def open_transaction() -> Iterator[None]:
    """A transaction that the block commits or rolls back itself; what it leaves open is rolled back."""
    transaction.set_autocommit(False)
    try:
        yield
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)


def until_somebody_waits_for_a_lock(number: int = 1) -> None:
    """Returns once so many other connections of this database are held up by locks."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= number:
                return
        time.sleep(0.01)
    raise AssertionError("Nobody waits for a lock.")

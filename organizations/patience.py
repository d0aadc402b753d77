"""Questions to the database that may turn out to be too large: it is told to give up after a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import OperationalError, connections, transaction

from organizations.impatient.connection import answers_within
from organizations.replica import reads_from

MARGIN = 1.0  # seconds that the database has to say that it gave up


class TookTooLong(Exception):
    """The database was told to give up."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """A transaction, where reads go, in which no statement may take longer. TookTooLong."""
    alias = reads_from()
    try:
        with (
            answers_within(seconds + MARGIN),
            transaction.atomic(using=alias),
            connections[alias].cursor() as cursor,
        ):
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds}s"])
            yield
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise TookTooLong from error
        raise

"""Hand-written SQL on Django's connection, with parameters bound by the server and plans kept.

Django's own cursor puts parameters into the text, so PostgreSQL would plan a hot statement anew each time.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection
from django_prometheus.db.common import ExportingCursorWrapper
from psycopg.rows import dict_row, tuple_row

# Counted like those of Django.
_Cursor = ExportingCursorWrapper(psycopg.Cursor, "default", "postgresql")


def run(statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that one statement gives, inside the transaction that is open, if any. Errors are Django's."""
    return _rows(statement, parameters, dict_row)


def run_for_tuples(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """`run`, where there are so many rows that making a dict of each would tell."""
    return _rows(statement, parameters, tuple_row)


def _rows(statement: str, parameters: Mapping[str, Any], row_factory: Any) -> list[Any]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        raw: psycopg.Connection[Any] = connection.connection
        with _Cursor(raw, row_factory=row_factory) as cursor:
            cursor.execute(statement.encode(), parameters, prepare=True, binary=True)
            rows: list[Any] = cursor.fetchall() if cursor.description else []
            return rows

"""Hand-written SQL on Django's connection, with parameters bound by the server and plans kept.

Django's own cursor puts parameters into the text, so PostgreSQL would plan a hot statement anew each time.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection
from django_prometheus.db.common import ExportingCursorWrapper
from psycopg.rows import dict_row

# Counted like those of Django.
_Cursor = ExportingCursorWrapper(psycopg.Cursor, "default", "postgresql")


def run(statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that one statement gives, inside the transaction that is open, if any. Errors are Django's."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        raw: psycopg.Connection[Any] = connection.connection
        with _Cursor(raw, row_factory=dict_row) as cursor:
            cursor.execute(statement.encode(), parameters, prepare=True, binary=True)
            rows: list[dict[str, Any]] = cursor.fetchall() if cursor.description else []
            return rows

import uuid

import pytest
from django.db import DataError, connection

from organizations.sql import run


def prepared_times(statement: str) -> int:
    """How often PostgreSQL ran this statement by a plan that it keeps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(generic_plans + custom_plans), 0) FROM pg_prepared_statements WHERE statement = %s",
            [statement],
        )
        return int(cursor.fetchone()[0])


def test_a_statement_is_planned_once_and_then_run_by_its_plan(db: None) -> None:
    name = uuid.uuid4().hex
    for number in range(3):
        assert run(f"SELECT %(number)s::int AS n_{name}", {"number": number}) == [{f"n_{name}": number}]
    assert prepared_times(f"SELECT $1::int AS n_{name}") == 3


def test_djangos_own_queries_are_not_prepared(db: None) -> None:
    name = uuid.uuid4().hex
    with connection.cursor() as cursor:
        for _ in range(7):
            cursor.execute(f"SELECT 1 AS n_{name}")
    assert prepared_times(f"SELECT 1 AS n_{name}") == 0


def test_what_gives_no_rows_gives_an_empty_list(db: None) -> None:
    assert run("SET LOCAL application_name = 'test'", {}) == []


def test_errors_are_djangos(db: None) -> None:
    with pytest.raises(DataError):
        run("SELECT %(text)s::jsonb", {"text": "{"})

from contextlib import closing
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations import Migration

from triggers_project.management.commands.migrate import Command


@pytest.mark.usefixtures("committed")
def test_who_is_in_the_way_is_not_waited_for_and_nothing_is_done() -> None:
    """Of the sessions' table, which its migration would remove if nobody read it."""
    with closing(connection.copy()) as reader, reader.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM django_session")
        with pytest.raises(
            CommandError, match=r"sessions\.0001_initial waited 0\.1 s for a lock and was given up"
        ):
            call_command("migrate", "sessions", "zero", lock_timeout=0.1, verbosity=0)

    assert "django_session" in connection.introspection.table_names()


@pytest.mark.usefixtures("committed")
def test_afterwards_the_connection_waits_as_before() -> None:
    call_command("migrate", verbosity=0)

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.usefixtures("committed")
def test_only_a_migration_itself_gives_up_and_not_what_follows_the_last() -> None:
    command = Command(stdout=StringIO())
    command.verbosity, command.database, command.lock_timeout = 0, "default", 5.0
    waits = []
    for action in ("apply_start", "apply_success"):
        command.migration_progress_callback(action, Migration("0002_more", "events"))
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            waits.append(cursor.fetchone()[0])
    assert waits == ["5s", "0"]

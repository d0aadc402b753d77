"""`manage.py migrate`, Django's own, which does not wait long for a lock.

Who waits for a table's exclusive lock is waited for by everybody who comes after: one long query and one migration stop
the whole system. So a migration gives up after five seconds, with nothing done, and is run again. One that is not
atomic may wait as long as it takes: it holds up nobody (`make migrations-check` sees to that), and an index that is
given up half way is left behind invalid.
"""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations import Migration
from psycopg.errors import LockNotAvailable

WAITED = (
    "{name} waited {seconds:g} s for a lock and was given up; nothing of it was done. A long query or an open "
    "transaction is in its way, and all that came after would have waited behind it. Who that may be:\n"
    "  SELECT pid, now() - xact_start AS since, state, application_name FROM pg_stat_activity\n"
    "  WHERE xact_start IS NOT NULL ORDER BY xact_start;\n"
    "Wait until it has ended, or end it (SELECT pg_terminate_backend(pid)), and run migrate again."
)


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            type=float,
            default=5.0,
            metavar="SECONDS",
            help="how long an atomic migration may wait for a lock, and everybody else behind it (default: 5)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.database, self.lock_timeout = options["database"], options["lock_timeout"]
        self.under_way = "The migration"
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise CommandError(WAITED.format(name=self.under_way, seconds=self.lock_timeout)) from None
        finally:
            self._wait_for_locks(0)

    def migration_progress_callback(
        self, action: str, migration: Migration | None = None, fake: bool = False
    ) -> None:
        super().migration_progress_callback(action, migration, fake)
        if migration is not None and action in ("apply_start", "unapply_start"):
            self.under_way = str(migration)
            self._wait_for_locks(self.lock_timeout if migration.atomic else 0)
        elif action in ("apply_success", "unapply_success"):
            self._wait_for_locks(0)  # nor what follows the last: roles, permissions, schedules

    def _wait_for_locks(self, seconds: float) -> None:
        """0: for ever, PostgreSQL's own default. A connection that is gone has nothing to be told, and of a pooler's
        session (DATABASE_POOLER) it would be the next who is told: docs/growing.md."""
        connection = connections[self.database]
        if connection.settings_dict["OPTIONS"]["prepare_threshold"] is None:
            return
        if connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{seconds * 1000:.0f}ms"])

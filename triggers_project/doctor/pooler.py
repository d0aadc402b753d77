"""Is there a pooler between us and PostgreSQL, and is what we ask of a session safe with it?"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
from django.db import connection
from psycopg.pq import ConnStatus, ExecStatus

from triggers_project.doctor.findings import Finding, fault, warning, well

TRIES = 5  # pairs of connections; with others at work the two may get sessions of their own now and then
_OURS = b"triggers_doctor"  # the name of a prepared statement


def pooler() -> Iterator[Finding]:
    told = set_to_share()
    if not is_pooled():
        if told:
            words = "DATABASE_POOLER is set, and DATABASE_URL leads straight to PostgreSQL."
            yield warning("pooler", words, "Unset it: hot statements are planned anew each time.")
        else:
            yield well("pooler", "none between us and PostgreSQL")
    elif told:
        yield well("pooler", "one that may lend sessions by the transaction")
    elif statements_collide():
        words = "A pooler lends sessions by the transaction, and does not know whose prepared statements are whose."
        yield fault("pooler", words, "Set DATABASE_POOLER=true for every program, and restart them.")
    else:
        yield well("pooler", "one that keeps sessions, or prepared statements")


def set_to_share() -> bool:
    return bool(connection.settings_dict["OPTIONS"]["prepare_threshold"] is None)


def is_pooled() -> bool:
    """A pooler answers in the place of a server process, and has no process id of the server's to give."""
    with _another() as other:
        row = other.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
        return row is None or row[0] != other.info.backend_pid


def statements_collide() -> bool:
    """Whether two clients meet in one session, where the name of a prepared statement is taken by the first."""
    with ExitStack() as held:
        for _ in range(TRIES):
            one, other = held.enter_context(_another()), held.enter_context(_another())
            if not _prepares(one) or not _prepares(other):
                return True
    return False


def _prepares(client: psycopg.Connection[Any]) -> bool:
    done = client.pgconn.prepare(_OURS, b"SELECT 1")
    if done.status == ExecStatus.COMMAND_OK:
        return True
    if client.pgconn.status == ConnStatus.OK:
        client.pgconn.exec_(b"DEALLOCATE triggers_doctor")  # in the session where it was in the way
    return done.error_field(psycopg.pq.DiagnosticField.SQLSTATE) != b"42P05"


def _another() -> psycopg.Connection[Any]:
    parameters = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context", "server_side_binding"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters, autocommit=True)

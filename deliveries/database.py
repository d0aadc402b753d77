"""The engine's own connections: asynchronous, autocommit, to the database that Django is configured for."""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection as django_connection

# Planning a claim takes as long as claiming, and PostgreSQL would plan it anew each time, once a backlog makes one plan
# for all values look dear. That one has to be right for tables of any size: the rows may be younger.
PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
# Not in a session that a pooler has lent us, which is somebody else's next: its process is not the one that we reached.
_SET = """
SELECT set_config(name, value, false) FROM unnest(%(names)s::text[], %(values)s::text[]) AS one (name, value)
WHERE pg_backend_pid() = %(pid)s
"""


async def connect(
    known: psycopg.AsyncConnection[Any] | None, *, settings: Mapping[str, str] = PLANNED_ONCE
) -> psycopg.AsyncConnection[Any]:
    """The known connection while it works, else a new one, with PostgreSQL's `settings` if its session is ours alone.

    Without them nothing is prepared: one plan for all values may be a bad one. Raises psycopg.OperationalError while
    there is no database.
    """
    if known is not None and not known.closed and not known.broken:
        return known
    made = await psycopg.AsyncConnection.connect(
        **{"application_name": "triggers-engine", **_as_django_connects(), "autocommit": True}
    )
    named = {"names": list(settings), "values": list(settings.values()), "pid": made.info.backend_pid}
    try:
        if not (await made.execute(_SET.encode(), named)).rowcount:
            made.prepare_threshold = None
    except psycopg.Error:
        await made.close()
        raise
    return made


def _as_django_connects() -> dict[str, Any]:
    """What follows the ? in DATABASE_URL may be any of libpq's, the folder of a socket (`host`) included."""
    settings = django_connection.settings_dict
    options = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
    named = {name: settings[name.upper()] for name in ("user", "password", "host", "port")}
    return {"dbname": settings["NAME"], **options, **{name: value for name, value in named.items() if value}}

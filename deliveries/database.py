"""The engine's own connections: asynchronous, autocommit, to the database that Django is configured for."""

from typing import Any

import psycopg
from django.db import connection as django_connection


async def connect(
    known: psycopg.AsyncConnection[Any] | None,
) -> psycopg.AsyncConnection[Any]:
    """The known connection while it works, else a new one. Raises psycopg.OperationalError while there is none."""
    if known is not None and not known.closed and not known.broken:
        return known
    return await psycopg.AsyncConnection.connect(
        **{"application_name": "triggers-engine", **_as_django_connects(), "autocommit": True}
    )


def _as_django_connects() -> dict[str, Any]:
    """What follows the ? in DATABASE_URL may be any of libpq's, the folder of a socket (`host`) included."""
    settings = django_connection.settings_dict
    options = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
    named = {name: settings[name.upper()] for name in ("user", "password", "host", "port")}
    return {"dbname": settings["NAME"], **options, **{name: value for name, value in named.items() if value}}

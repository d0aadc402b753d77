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
    settings = django_connection.settings_dict
    options = {name: value for name, value in settings["OPTIONS"].items() if name != "pool"}
    return await psycopg.AsyncConnection.connect(
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        host=settings["HOST"],
        port=settings["PORT"] or None,
        autocommit=True,
        application_name="triggers-engine",
        **options,
    )

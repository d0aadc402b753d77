"""The whole examination. A check that can't be made is a finding as well, and the others are made all the same."""

from collections.abc import Callable, Iterable

import redis
from django.db import DatabaseError, connection
from psycopg_pool import PoolTimeout

from triggers_project.doctor import (
    broker,
    certificates,
    deployment,
    failover,
    pooler,
    postgres,
    postgres_load,
    replica,
    tables,
    work,
)
from triggers_project.doctor.findings import Finding, Level, fault, skipped

Check = Callable[[], Iterable[Finding]]

ALWAYS: list[Check] = [deployment.versions, deployment.metrics_folder, certificates.certificates]
OF_POSTGRES: list[Check] = [
    postgres.version,
    pooler.pooler,
    replica.replica,
    postgres.clock,
    postgres.disk,
    postgres_load.connections,
    postgres_load.long_transactions,
    tables.autovacuum,
    tables.bloat,
    tables.indexes,
    tables.transaction_ids,
]
OF_OUR_TABLES: list[Check] = [work.schedules, work.troubles_now, work.dead_letters]
OF_REDIS: list[Check] = [broker.version, broker.clock, broker.durability, failover.spares]


def examine() -> list[Finding]:
    """The worst first."""
    database, waiting = _database_fault(), deployment.unapplied_migrations
    found = [one for check in ALWAYS for one in _made(check)]
    if database:
        found += [database, skipped("database", "Nothing of PostgreSQL could be looked at.")]
        found += _made(deployment.settings)
    else:
        migrations = _made(waiting)
        found += migrations + [one for check in OF_POSTGRES for one in _made(check)]
        if any(one.level is Level.FAULT for one in migrations):
            found.append(
                skipped("work", "Our tables are not as they should be: nothing of them was looked at.")
            )
            found += _made(deployment.settings)
        else:
            found += [one for check in OF_OUR_TABLES for one in _made(check)]
            found += _made(deployment.settings_and_keys)
    found += _redis_findings()
    return sorted(found, key=lambda finding: -finding.level)


def _redis_findings() -> list[Finding]:
    away = _made(broker.reach)
    return away or [one for check in OF_REDIS for one in _made(check)]


def _database_fault() -> Finding | None:
    try:
        connection.ensure_connection()
    except (DatabaseError, PoolTimeout) as error:
        advice = "Start it, or correct DATABASE_URL. Until then the API answers 503."
        return fault("database", f"PostgreSQL can't be reached: {_first_line(error)}.", advice)
    return None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _made(check: Check) -> list[Finding]:
    try:
        return list(check())
    except (DatabaseError, PoolTimeout, redis.RedisError, OSError) as error:
        words = f"This could not be looked at: {_first_line(error)}."
        advice = "See whether the account in DATABASE_URL or REDIS_URL may read it, and try again."
        return [fault(check.__name__.replace("_", " "), words, advice)]

"""The health of our tables: vacuum, dead rows, indexes, and the age of transaction ids."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import CheckConstraint, UniqueConstraint

from organizations.sql import run
from triggers_project.doctor.findings import Finding, fault, warning, well

OURS = ("organizations", "events", "deliveries")
DEAD_SHARE, MANY_DEAD = 0.2, 50_000
OLD_IDS, TOO_OLD_IDS = 500_000_000, 1_500_000_000  # of the 2,147,483,648 there can be

_TABLES = """
SELECT stat.relname AS name, n_live_tup AS live, n_dead_tup AS dead,
    greatest(last_autovacuum, last_vacuum) AS vacuumed,
    coalesce('autovacuum_enabled=false' = ANY (pg_class.reloptions), false) AS off
FROM pg_stat_user_tables AS stat JOIN pg_class ON pg_class.oid = relid
WHERE schemaname = current_schema() AND stat.relname = ANY (%(tables)s)
ORDER BY stat.relname
"""
_THERE = """
SELECT relname AS name FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
WHERE relnamespace = current_schema()::regnamespace
UNION SELECT conname FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
"""
_INVALID = """
SELECT relname AS name FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
WHERE relnamespace = current_schema()::regnamespace AND NOT (indisvalid AND indisready) ORDER BY relname
"""


def autovacuum() -> Iterator[Finding]:
    if run(
        "SELECT current_setting('autovacuum') = 'off' OR current_setting('track_counts') = 'off' AS off", {}
    )[0]["off"]:
        advice = (
            "Set autovacuum = on and track_counts = on: else tables grow without end, and queries get slow."
        )
        yield fault("autovacuum", "Autovacuum is off.", advice)
    else:
        yield well("autovacuum", "on")
    for row in _tables():
        if row["off"]:
            advice = f"ALTER TABLE {row['name']} RESET (autovacuum_enabled);"
            yield fault("autovacuum", f"Autovacuum is off for {row['name']}.", advice)


def bloat() -> Iterator[Finding]:
    found = False
    for row in _tables():
        if one := judged(row["name"], row["live"], row["dead"], row["vacuumed"]):
            found = True
            yield one
    if not found:
        yield well("dead rows", "few in all tables")


def judged(name: str, live: int, dead: int, vacuumed: datetime | None) -> Finding | None:
    """None for a table that is well. Small ones are read at once, whatever is in them."""
    if dead < MANY_DEAD or dead < DEAD_SHARE * (live + dead):
        return None
    words = f"{dead / (live + dead):.0%} of {name} are dead rows ({dead:,}); last vacuumed {_when(vacuumed)}."
    advice = f"See that no transaction is old, then VACUUM (ANALYZE) {name}; let autovacuum come sooner."
    return warning("dead rows", words, advice)


def _when(vacuumed: datetime | None) -> str:
    if vacuumed is None:
        return "never"
    return f"{(datetime.now(UTC) - vacuumed) // timedelta(minutes=1):,} minutes ago"


def indexes() -> Iterator[Finding]:
    there, invalid = {row["name"] for row in run(_THERE, {})}, [row["name"] for row in run(_INVALID, {})]
    missing = sorted(expected() - there)
    for name in invalid:
        advice = f"If it is not being built just now: REINDEX INDEX CONCURRENTLY {name};"
        yield fault(
            "indexes", f"The index {name} is not valid: it costs writes, and nobody reads it.", advice
        )
    for name in missing:
        advice = (
            "Somebody dropped it. Make it anew as the migrations have it: manage.py sqlmigrate prints that."
        )
        yield fault("indexes", f"The index or constraint {name} is missing.", advice)
    if not invalid and not missing:
        yield well("indexes", "all there, all valid")


def expected() -> set[str]:
    """The names of all indexes and constraints that our models have."""
    found: set[str] = set()
    for model in _models():
        found |= {index.name for index in model._meta.indexes}
        named = (UniqueConstraint, CheckConstraint)
        found |= {one.name for one in model._meta.constraints if isinstance(one, named)}
    return found


def transaction_ids() -> Iterator[Finding]:
    age = run("SELECT age(datfrozenxid) AS age FROM pg_database WHERE datname = current_database()", {})[0][
        "age"
    ]
    words = f"The oldest transaction id is {age:,} transactions old."
    advice = (
        "Autovacuum can't keep up: end old transactions, then VACUUM (FREEZE). Writes stop at 2,147,483,648."
    )
    if age >= TOO_OLD_IDS:
        yield fault("transaction ids", words, advice)
    elif age >= OLD_IDS:
        yield warning("transaction ids", words, advice)


def _tables() -> list[dict[str, Any]]:
    return run(_TABLES, {"tables": [model._meta.db_table for model in _models()]})


def _models() -> list[Any]:
    ours = [model for name in OURS for model in apps.get_app_config(name).get_models()]
    return [model for model in ours if not model._meta.proxy]

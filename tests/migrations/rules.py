"""What a migration may do while the system is in use: squawk's rules over its SQL, and two of ours.

The first of each app makes its tables and locks nothing. In a later one whatever holds up others, or breaks the release
that still runs while it is applied, is refused, with words on what to write instead. docs/decisions/0023 says why.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

OUR_APPS = ("organizations", "events", "deliveries")
OLDEST_POSTGRES = "15.0"
# Matters of taste that Django settles, and timeouts, which `manage.py migrate` sets.
NOT_ASKED = """ban-char-field prefer-bigint-over-int prefer-bigint-over-smallint prefer-identity prefer-robust-stmts
    prefer-text-field prefer-timestamp-tz require-lock-timeout require-statement-timeout require-timeout-settings""".split()

IN_A_LATER_RELEASE = (
    "stop using it in this release (SeparateDatabaseAndState, the state alone); the next may do this, and says so: "
    'allowed = {{"{rule}": "nothing since 0.2 uses it"}}'
)
INSTEAD = {
    "require-concurrent-index-creation": "AddIndexConcurrently, with atomic = False",
    "require-concurrent-index-deletion": "RemoveIndexConcurrently, with atomic = False",
    "ban-drop-default": "db_default= beside or in place of default=: who still runs the old code inserts rows without it",
    "adding-required-field": "null=True, or db_default=",
    "adding-field-with-default": "null=True; the rows that are there are filled in portions, by a command",
    "changing-column-type": "another column, which both releases write; the old one goes in the next",
    "adding-not-nullable-field": "AddConstraintNotValid(CheckConstraint(condition=Q(…__isnull=False))) here, "
    "ValidateConstraint in the next migration",
    "constraint-missing-not-valid": "AddConstraintNotValid here, ValidateConstraint in the next migration",
    "disallowed-unique-constraint": "RunSQL: CREATE UNIQUE INDEX CONCURRENTLY with atomic = False; in the next migration "
    "ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX",
    "adding-foreign-key-constraint": "db_constraint=False, or RunSQL: ADD CONSTRAINT … NOT VALID here, VALIDATE in the next",
    "ban-drop-column": IN_A_LATER_RELEASE,
    "ban-drop-table": IN_A_LATER_RELEASE,
    "renaming-column": "another column, which both releases write, or db_column=; the old one goes in the next release",
    "renaming-table": "db_table= with the name that it has",
    "unseen-python": "look at it yourself (portions? no lock? again after a failure?) and say so: "
    'allowed = {{"unseen-python": "1,000 rows at a time"}}',
    "lock-without-timeout": "atomic = True: without it migrate waits for locks as long as it takes; atomic = False is for "
    "CONCURRENTLY and ValidateConstraint alone",
}


def faults(migration: Migration, state: ProjectState) -> list[str]:
    """A line for each. `allowed`, a dict of the migration, has rules that may be broken, and why."""
    allowed: dict[str, str] = getattr(migration, "allowed", {})
    found = [*_unseen(migration), *_of_squawk(migration, state), *_locking(migration, state)]
    return [
        f"{migration}: {rule}: {what}\n    write instead: {INSTEAD.get(rule, '(squawk says more)').format(rule=rule)}"
        for rule, what in dict.fromkeys(found)
        if not allowed.get(rule)
    ]


def later_ones() -> Iterator[tuple[Migration, ProjectState]]:
    """Ours but for each app's first, with what is there before it."""
    loader = MigrationLoader(connection)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in OUR_APPS and not name.startswith("0001_"):
            yield migration, loader.project_state((app, name), at_end=False)


def statements(migration: Migration, state: ProjectState) -> list[str]:
    """As `sqlmigrate` has them."""
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state.clone(), editor, collect_sql=True)
    return list(editor.collected_sql)


def _unseen(migration: Migration) -> Iterator[tuple[str, str]]:
    for operation in migration.operations:
        if not operation.reduces_to_sql:
            yield "unseen-python", f"what {operation.describe()} does can't be seen"


def _of_squawk(migration: Migration, state: ProjectState) -> Iterator[tuple[str, str]]:
    sql = "\n".join(statements(migration, state))
    argv = [
        str(Path(sys.executable).parent / "squawk"),
        "--reporter",
        "json",
        "--pg-version",
        OLDEST_POSTGRES,
    ]
    argv += [
        *(f"--exclude={rule}" for rule in NOT_ASKED),
        *(["--assume-in-transaction"] if migration.atomic else []),
    ]
    done = subprocess.run(argv, input=sql, capture_output=True, text=True, timeout=20)
    for fault in json.loads(done.stdout):
        statement = sql.splitlines()[fault["line"]]
        yield fault["rule_name"], f"{fault['message']}\n    {statement}"


def _locking(migration: Migration, state: ProjectState) -> Iterator[tuple[str, str]]:
    if migration.atomic:
        return
    for statement in statements(migration, state):
        if re.match(r"(ALTER|DROP|TRUNCATE|LOCK)\b", statement) and not re.search(
            r"\b(CONCURRENTLY|VALIDATE CONSTRAINT)\b", statement
        ):
            yield "lock-without-timeout", f"this takes a lock outside of a transaction\n    {statement}"

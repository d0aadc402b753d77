"""`make migrations-check`: no migration of ours holds up a system in use, and the rules see those that would."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connection, models
from django.db.migrations import Migration
from django.db.migrations import operations as op
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.migrations.rules import INSTEAD, faults, later_ones


@pytest.fixture(autouse=True)
def _outside_of_transactions(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """SQL is collected, not carried out; in a transaction Django would refuse what must not be in one."""
    with django_db_blocker.unblock():
        yield
        connection.close()


def test_no_migration_of_ours_holds_up_a_system_in_use() -> None:
    found = [fault for migration, state in later_ones() for fault in faults(migration, state)]

    if found:
        pytest.fail("\n".join(found), pytrace=False)


INDEX = models.Index(fields=["created_at"], name="another")
CHECK = models.CheckConstraint(condition=models.Q(type__gt=""), name="type_is_said")
UNIQUE = models.UniqueConstraint(fields=["type"], name="type_is_one")
COLOUR = models.TextField(default="red")


def nothing(apps: Any, schema_editor: Any) -> None: ...


@pytest.mark.parametrize(
    ("rule", "operation"),
    [
        ("require-concurrent-index-creation", op.AddIndex("event", INDEX)),
        ("require-concurrent-index-deletion", op.RunSQL("DROP INDEX another")),
        ("ban-drop-default", op.AddField("event", "colour", COLOUR)),
        ("adding-required-field", op.RunSQL("ALTER TABLE events_event ADD COLUMN n integer NOT NULL")),
        (
            "adding-field-with-default",
            op.AddField("event", "n", models.TextField(db_default=models.Func(function="random"))),
        ),
        ("changing-column-type", op.AlterField("event", "type", models.BigIntegerField())),
        ("adding-not-nullable-field", op.RunSQL("ALTER TABLE events_event ALTER COLUMN type SET NOT NULL")),
        ("constraint-missing-not-valid", op.AddConstraint("event", CHECK)),
        ("disallowed-unique-constraint", op.AddConstraint("event", UNIQUE)),
        (
            "adding-foreign-key-constraint",
            op.AddField(
                "event", "o", models.ForeignKey("organizations.Organization", models.CASCADE, null=True)
            ),
        ),
        ("ban-drop-column", op.RemoveField("event", "type")),
        ("ban-drop-table", op.DeleteModel("event")),
        ("renaming-column", op.RenameField("event", "type", "kind")),
        ("renaming-table", op.AlterModelTable("event", "happenings")),
        ("unseen-python", op.RunPython(nothing)),
    ],
)
def test_what_locks_or_breaks_is_refused_with_what_to_write_instead(
    rule: str, operation: op.base.Operation
) -> None:
    found = faults(*one(operation))

    assert any(f"events.0002_next: {rule}: " in fault for fault in found), found
    assert all(
        f"write instead: {INSTEAD[rule]}".format(rule=rule) in fault
        for fault in found
        if f" {rule}: " in fault
    )
    assert any("write instead:" in fault and "(squawk says more)" not in fault for fault in found)


def test_a_lock_outside_of_a_transaction_has_no_timeout_and_is_refused() -> None:
    operation = op.AddField("event", "colour", models.TextField(null=True))

    (found,) = faults(*one(operation, atomic=False))

    assert "events.0002_next: lock-without-timeout: " in found


@pytest.mark.parametrize(
    ("operation", "atomic"),
    [
        (op.AddField("event", "colour", models.TextField(null=True)), True),
        (op.AddField("event", "colour", models.TextField(db_default="red")), True),
        (AddIndexConcurrently("event", INDEX), False),
        (AddConstraintNotValid("event", CHECK), True),
        (
            op.CreateModel(
                "Fresh",
                [("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField(db_index=True))],
            ),
            True,
        ),
    ],
)
def test_what_nobody_waits_for_passes(operation: op.base.Operation, atomic: bool) -> None:
    assert faults(*one(operation, atomic=atomic)) == []


def test_what_was_not_validated_is_and_an_index_goes() -> None:
    migration, state = one(
        AddConstraintNotValid("event", CHECK), AddIndexConcurrently("event", INDEX), atomic=False
    )
    for operation in migration.operations:
        operation.state_forwards("events", state)
    next_one = [ValidateConstraint("event", "type_is_said"), RemoveIndexConcurrently("event", "another")]

    assert faults(one(*next_one, atomic=False)[0], state) == []


def test_what_is_allowed_with_a_reason_passes() -> None:
    migration, state = one(op.RemoveField("event", "type"))
    assert len(faults(migration, state)) == 1

    migration.allowed = {"ban-drop-column": "nothing since 0.2 reads it"}

    assert faults(migration, state) == []


def one(*operations: op.base.Operation, atomic: bool = True) -> tuple[Migration, ProjectState]:
    """The next migration of events, and what is there before it."""
    migration = Migration("0002_next", "events")
    migration.operations, migration.atomic = list(operations), atomic
    return migration, present().clone()


@cache
def present() -> ProjectState:
    return MigrationLoader(connection).project_state()

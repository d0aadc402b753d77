"""A row as the audit log may show it: words and numbers, and nothing that is secret."""

import re
from typing import Any

from django.db.models import Model

SECRET = re.compile("password|secret|hash|token|payload|encrypted|headers|kwargs|args|private|(^|_)key$")
# They change by themselves, whatever staff does.
OF_THEMSELVES = {"last_login", "last_run_at", "total_run_count", "date_changed"}


class Secret:
    """A value that is compared and never shown."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.value == self.value

    __hash__ = None  # type: ignore[assignment]


def values_of(row: Model) -> dict[str, Any]:
    """As they are in the database now. What is changing the row waits for nobody else: it is locked."""
    fresh = type(row)._base_manager.select_for_update(of=("self",)).get(pk=row.pk)
    fields = [field for field in fresh._meta.concrete_fields if field.name not in OF_THEMSELVES]
    values = {field.name: _value(field.name, getattr(fresh, field.name)) for field in fields}
    for many in fresh._meta.many_to_many:
        values[many.name] = sorted(str(other) for other in getattr(fresh, many.name).all())
    return values


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of both only what differs."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return _shown(before, names), _shown(after, names)


def _shown(values: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: _plain(values[name]) for name in names if name in values}


def _plain(value: Any) -> Any:
    return "(not shown)" if isinstance(value, Secret) else value


def _value(name: str, value: Any) -> Any:
    if SECRET.search(name):
        return Secret(value)
    return value if value is None or isinstance(value, bool | int | float | list) else str(value)

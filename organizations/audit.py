"""The audit log: what staff did in the admin. Whoever changes something records it in the same transaction."""

from dataclasses import dataclass
from typing import Any

import structlog
from django.db.models import Model

from organizations.models import AuditEntry, Organization

log = structlog.get_logger(__name__)

Values = dict[str, Any]


@dataclass(frozen=True)
class Actor:
    """Who does it, from where, in which request."""

    user_id: int | None
    name: str
    address: str = ""
    request_id: str = ""


def record(
    actor: Actor,
    action: str,
    *,
    row: Model | None = None,
    words: str = "",
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    """`row` is what it was done to; without one `words` say it."""
    entry(actor, action, row=row, words=words, before=before, after=after).save(force_insert=True)
    log.info("admin.recorded", action=action, user_id=actor.user_id)


def entry(
    actor: Actor,
    action: str,
    *,
    row: Model | None = None,
    words: str = "",
    before: Values | None = None,
    after: Values | None = None,
) -> AuditEntry:
    made = AuditEntry(
        actor_id=actor.user_id,
        actor_name=actor.name[:150],
        address=actor.address[:64],
        request_id=actor.request_id[:128],
        action=action,
        object_words=words[:200],
        before=before or {},
        after=after or {},
    )
    if row is not None:
        made.object_type = type_of(row)
        made.object_id = str(row.pk)
        made.object_words = str(row)[:200]
        made.organization_id = (
            row.pk if isinstance(row, Organization) else getattr(row, "organization_id", None)
        )
    return made


def type_of(row: Model) -> str:
    """A dead letter is a delivery."""
    model = row._meta.concrete_model or type(row)
    return model._meta.label_lower

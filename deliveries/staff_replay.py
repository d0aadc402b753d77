"""Sending again, or discarding, all that staff picked in a list, however many: the picks are rows, and a task takes
PART at a time.

The list's filters are asked once, when the button is pressed. So what is replayed is what was counted, and nobody but
the admin need understand the filters. The first part is done by whoever asks; a small one is done then.
"""

import uuid
from datetime import datetime
from typing import Any

import structlog
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from deliveries.models import Delivery
from deliveries.picked import Pick, StaffReplay
from deliveries.querysets import SETTLED, DeliveryQuerySet
from deliveries.replay import send_again
from organizations.audit import Actor, record
from organizations.deadlocks import again_after_deadlock
from organizations.sql import run

log = structlog.get_logger(__name__)

PART = 1_000  # deliveries; some 100 ms
DONE_WORDS: dict[str, str] = {StaffReplay.Verb.REPLAY: "replayed", StaffReplay.Verb.DISCARD: "discarded"}

# Up to the last of so many, as a bound: PostgreSQL, which does not know yet how many picks were just made, would join
# them with themselves in the worst way.
_TAKE = """
DELETE FROM deliveries_pick WHERE replay_id = %(replay)s AND delivery_id <= coalesce(
    (
        SELECT delivery_id FROM deliveries_pick WHERE replay_id = %(replay)s
        ORDER BY delivery_id OFFSET %(most)s - 1 LIMIT 1
    ),
    'ffffffff-ffff-ffff-ffff-ffffffffffff'
)
RETURNING delivery_id
"""


def start_staff_replay(
    chosen: "QuerySet[Any]", *, replay_id: uuid.UUID, as_of: datetime, which: str, actor: Actor
) -> StaffReplay | None:
    """Picks the chosen deliveries and begins. The one that there is, if it was begun already; None without a pick."""
    return _start(chosen, StaffReplay(pk=replay_id, as_of=as_of, which=which), actor)


def start_staff_discard(
    chosen: "QuerySet[Any]", *, replay_id: uuid.UUID, as_of: datetime, which: str, reason: str, actor: Actor
) -> StaffReplay | None:
    """As `start_staff_replay`; the chosen that are dead letters are laid aside."""
    discard = StaffReplay(
        pk=replay_id, as_of=as_of, which=which, verb=StaffReplay.Verb.DISCARD, reason=reason
    )
    return _start(chosen, discard, actor)


def _start(chosen: "QuerySet[Any]", wanted: StaffReplay, actor: Actor) -> StaffReplay | None:
    with transaction.atomic():
        fields = {name: getattr(wanted, name) for name in ("verb", "reason", "which", "as_of")}
        replay, is_new = StaffReplay.objects.get_or_create(
            pk=wanted.pk, defaults={**fields, "asked_by": actor.name}
        )
        if not is_new:
            return replay
        replay.picked = _pick(replay.pk, chosen)
        if not replay.picked:
            replay.delete()
            return None
        replay.save(update_fields=["picked"])
        after = {"deliveries": replay.picked, "which": replay.which}
        if replay.reason:
            after["reason"] = replay.reason
        record(actor, f"deliveries.{DONE_WORDS[replay.verb]}", row=replay, after=after)
        do_staff_part(replay.pk)
    replay.refresh_from_db()
    log.info("staff_replay.started", replay_id=str(replay.pk), verb=replay.verb, picked=replay.picked)
    return replay


def _pick(replay_id: uuid.UUID, chosen: "QuerySet[Any]") -> int:
    try:
        which, parameters = chosen.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # what Django knows to be nothing has no SQL
        return 0
    into = f"INSERT INTO deliveries_pick (replay_id, delivery_id) SELECT %s, chosen.id FROM ({which}) AS chosen (id)"
    with connection.cursor() as cursor:
        cursor.execute(into, [replay_id, *parameters])
        return cursor.rowcount


@again_after_deadlock
def do_staff_part(replay_id: uuid.UUID) -> bool:
    """Looks at its next PART picks; False when there is nothing to do, or another is doing it."""
    with transaction.atomic():
        locked = StaffReplay.objects.running().select_for_update(skip_locked=True)
        replay = locked.filter(pk=replay_id).first()
        if replay is None:
            return False
        ids = [row["delivery_id"] for row in run(_TAKE, {"replay": replay_id, "most": PART})]
        still = Delivery.objects.filter(pk__in=ids, status__in=SETTLED, settled_at__lte=replay.as_of)
        picked = list(still.values_list("event_id", flat=True)) if ids else []
        moved = _move(replay, still) if ids else 0
        changes: dict[str, Any] = {"looked_at": F("looked_at") + len(ids), "replayed": F("replayed") + moved}
        if len(ids) < PART:
            changes.update(state=StaffReplay.State.DONE, finished_at=Now())
        StaffReplay.objects.filter(pk=replay_id).update(**changes)
    if moved:
        event_ids = [str(event_id) for event_id in picked]
        log.info("staff_replay.went_on", replay_id=str(replay_id), replayed=moved, event_ids=event_ids)
    if len(ids) < PART:
        log.info("staff_replay.finished", replay_id=str(replay_id), replayed=replay.replayed + moved)
    return True


def _move(replay: StaffReplay, still: DeliveryQuerySet) -> int:
    if replay.verb == StaffReplay.Verb.DISCARD:
        return still.discard(replay.reason)
    return send_again(still)


def cancel_staff_replay(replay_id: uuid.UUID, *, actor: Actor) -> bool:
    """What was not looked at yet stays as it is. False when it was finished already."""
    with transaction.atomic():
        if not StaffReplay.objects.filter(pk=replay_id).cancel():
            return False
        Pick.objects.filter(replay_id=replay_id).delete()
        replay = StaffReplay.objects.get(pk=replay_id)
        after = {"state": replay.state, DONE_WORDS[replay.verb]: replay.replayed}
        record(actor, f"{replay.verb}.canceled", row=replay, before={"state": "running"}, after=after)
    return True

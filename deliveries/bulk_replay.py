"""Sending many again: all of a tenant's deliveries that match, however many.

A replay is a row, and its progress is in that row. The first part is done by whoever asks, so that a small one is done
when it is answered; the rest is done by a task, a part at a time, each with its place in the list in one transaction.
Who is killed in the middle has moved nothing of that part, and the next goes on from where the row says.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from deliveries.errors import ReplayNotFound
from deliveries.models import Delivery, Replay
from deliveries.picked import StaffReplay
from deliveries.querysets import OPEN, DeliveryQuerySet
from deliveries.replay import send_again
from deliveries.staff_replay import do_staff_part
from organizations.deadlocks import again_after_deadlock
from organizations.models import Organization
from organizations.sql import run

log = structlog.get_logger(__name__)

PART = 1_000  # deliveries; some 100 ms


def start_replay(organization: Organization, *, dry_run: bool = False, **which: Any) -> Replay:
    """Begins to send again what matches; `which` is status, endpoint, event_types, since, until, as `Replay` has them.

    `matched` says how many there are, `replayed` how many of them moved already. Of a dry run nothing is kept.
    """
    as_of = run("SELECT clock_timestamp() AS now", {})[0]["now"]
    replay = Replay(organization=organization, as_of=as_of, **which)
    replay.matched = matching(replay).count()
    if dry_run:
        return replay
    replay.save()
    log.info("replay.started", replay_id=str(replay.pk), matched=replay.matched)
    do_part(replay.pk)
    replay.refresh_from_db()
    return replay


def matching(replay: Replay) -> DeliveryQuerySet:
    """What it still has to look at. What was settled after it was asked for is not swept along."""
    found = Delivery.objects.of(replay.organization).reachable()
    found = found.matching(
        status=replay.status,
        endpoint_id=replay.endpoint_id,
        event_types=replay.event_types,
        since=replay.since,
        until=replay.until,
    )
    by_then = Q(created_at__lte=replay.as_of) if replay.status in OPEN else Q(settled_at__lte=replay.as_of)
    return found.filter(by_then, **({"pk__gt": replay.after} if replay.after else {}))


@again_after_deadlock
def do_part(replay_id: uuid.UUID) -> bool:
    """Moves its next PART deliveries; False when there is nothing to do, or another is doing it."""
    with transaction.atomic():
        replay = Replay.objects.running().select_for_update(skip_locked=True).filter(pk=replay_id).first()
        if replay is None:
            return False
        part = list(matching(replay).order_by("pk").values_list("pk", "event_id")[:PART])
        ids = [pk for pk, _ in part]
        moved = send_again(matching(replay).filter(pk__in=ids)) if ids else 0
        changes: dict[str, Any] = {"replayed": F("replayed") + moved}
        if len(ids) == PART:
            changes["after"] = ids[-1]
        else:
            changes.update(state=Replay.State.DONE, finished_at=Now())
        Replay.objects.filter(pk=replay_id).update(**changes)
    if moved:
        event_ids = [str(event_id) for _, event_id in part]
        log.info("replay.went_on", replay_id=str(replay_id), replayed=moved, event_ids=event_ids)
    if len(ids) < PART:
        log.info("replay.finished", replay_id=str(replay_id), replayed=replay.replayed + moved)
    return True


def go_on(*, seconds: float) -> int:
    """A part of each that is running, in turn, and begins no further one after so many seconds. Returns the parts."""
    deadline, done = time.monotonic() + seconds, 0
    while running := _running():
        before = done
        for do_next, replay_id in running:
            if time.monotonic() >= deadline:
                return done
            done += do_next(replay_id)
        if done == before:  # others are at them
            return done
    return done


def _running() -> list[tuple[Callable[[uuid.UUID], bool], uuid.UUID]]:
    """Those of tenants and those of staff."""
    return [
        (do_next, replay_id)
        for model, do_next in ((Replay, do_part), (StaffReplay, do_staff_part))
        for replay_id in model.objects.running().order_by("pk").values_list("pk", flat=True)
    ]


def find_replay(organization: Organization, replay_id: uuid.UUID) -> Replay:
    replay = Replay.objects.of(organization).filter(pk=replay_id).first()
    if replay is None:
        raise ReplayNotFound("This organization has no such replay.")
    return replay

"""Celery's door to deliveries."""

import multiprocessing
from importlib import import_module
from typing import Any

from celery import shared_task
from celery.signals import (
    celeryd_after_setup,
    heartbeat_sent,
    task_prerun,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from deliveries import deafness
from deliveries.bulk_replay import go_on
from deliveries.disabling import announce_disabled, disable_failing
from deliveries.heartbeat import beat, beat_of_worker, gone
from deliveries.orphans import cancel_late_orphans
from deliveries.purge import purge_expired, purge_figures
from deliveries.retention import kept_shorter, longest_kept
from deliveries.ring import QUEUE, TASK, answer_ring, ring_if_due

PURGE_SECONDS = 1.0
REPLAY_SECONDS = 0.7

# Made in the parent and shared with its children: a warm shutdown tells the parent only, and an engine that went on
# claiming would never let it end.
_stopping = multiprocessing.get_context("fork").Event()
_queues: list[str] = []  # that this worker is to listen to


@shared_task(name=TASK)
def deliver_due() -> int:
    """Answers a ring."""
    from deliveries import delivering  # the housekeeper and beat know this task as well, and never run it

    answer_ring()
    return delivering.run(_stopping.is_set)


@shared_task(name="deliveries.sweep")
def sweep() -> None:
    """Every second: rings for retries, expired leases and lost rings, and cancels what came for a deleted endpoint."""
    beat()
    cancel_late_orphans()
    ring_if_due()


@shared_task(name="deliveries.watch_endpoints")
def watch_endpoints() -> None:
    """Every ten seconds: gives up endpoints that have failed for days, and tells of those that were."""
    disable_failing()
    announce_disabled()


@shared_task(name="deliveries.purge")
def purge() -> int:
    """Every ten seconds: removes some of what retention allows; the ticks of the sweep must not wait for it."""
    purge_figures()
    return purge_expired(days=longest_kept(), seconds=PURGE_SECONDS, shorter=kept_shorter())


@shared_task(name="deliveries.replay")
def replay() -> int:
    """Every second: goes on with what is being replayed."""
    return go_on(seconds=REPLAY_SECONDS)


@celeryd_after_setup.connect
def import_what_delivers(instance: Any, **_: Any) -> None:
    """Before it forks: what is imported by then its children share. Beat and the housekeeper start without."""
    if QUEUE in instance.app.amqp.queues.consume_from:
        import_module("deliveries.delivering")


@heartbeat_sent.connect
def note_worker(sender: Any, **_: Any) -> None:
    """Every two seconds, in the parent of a worker's children; and, without a timer, when its broker comes or goes."""
    beat_of_worker(sender.eventer.hostname)
    if sender.tref is not None and not _stopping.is_set() and deafness.end_if_deaf(_queues):
        _stopping.set()


@worker_ready.connect
def note_queues(sender: Any, **_: Any) -> None:
    """When it starts, and again whenever its broker is back."""
    if not _queues:
        _queues.extend(sender.app.amqp.queues.consume_from)


@task_prerun.connect
def note_task(**_: Any) -> None:
    deafness.note_work()


@worker_shutdown.connect
def forget_worker(sender: Any, **_: Any) -> None:
    gone(sender.hostname)


@worker_shutting_down.connect
def stop_claiming(**_: Any) -> None:
    """SIGTERM: engines finish what is in flight and end."""
    _stopping.set()

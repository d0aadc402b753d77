"""A worker that has gone deaf: messages wait, it has nothing to do, and takes none.

Its process lives and tells so, so nobody would start it anew, and until somebody does, nothing is sent. It happened
after a Redis that went away and came back, seldom, for reasons inside of Celery or kombu that are not known
(`triggers_project/consumer.py` mends those that are). Such a worker ends itself: whatever runs it starts another, and
as it has nothing to do, nothing is in its hands.
"""

import mmap
import signal
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from celery.worker import state

from organizations import redis_client

log = structlog.get_logger(__name__)

LOOKS = 6  # in a row, one with each heartbeat: ten seconds from the first to the last
TICK = 0.5  # seconds; who is at work says so as often
GIVES_UP_AFTER = 20  # seconds, should ending in order hang as well
FAILURE = 1  # the exit code

# When somebody of this worker was last at work, by time.monotonic: one number in memory that its children share.
_at_work = memoryview(mmap.mmap(-1, 8)).cast("d")


@dataclass
class Deafness:
    """What was seen at each heartbeat."""

    looks: int = 0
    before: float = 0.0

    def note(self, *, waiting: int, at_work: float) -> bool:
        """Whether messages have been `waiting` all the time and nobody was at work since; `at_work` is when, on any
        clock."""
        self.looks = self.looks + 1 if waiting and at_work == self.before else 0
        self.before = at_work
        return self.looks >= LOOKS


_deafness = Deafness()


def note_work() -> None:
    """Whoever is at work in this worker says so."""
    _at_work[0] = time.monotonic()


def end_if_deaf(queues: Collection[str]) -> bool:
    """With each heartbeat of a worker that listens to these. Whether it ends now."""
    waiting = redis_client.ask_broker(lambda redis: _waiting(redis, queues), what="heartbeat") or 0
    if not _deafness.note(waiting=waiting, at_work=_at_work[0]):
        return False
    log.error("worker.deaf", waiting=waiting, queues=sorted(queues))
    state.should_stop = FAILURE
    signal.alarm(GIVES_UP_AFTER)
    return True


def _waiting(redis: Any, queues: Collection[str]) -> int:
    return sum(redis.llen(queue) for queue in queues)

"""Celery's door to events."""

import time

from celery import shared_task

from events.arrivals_count import count_arrivals as count
from organizations.sql import run

COUNT_SECONDS = 2.0
SHARE = 20  # of its time at most a twentieth is counting: a minute of millions of events takes seconds
LONGEST_PAUSE = 60.0  # seconds: a database that stood still took long as well

_pause: dict[str, float] = {}  # "ends", by time.monotonic


@shared_task(name="events.count_arrivals")
def count_arrivals() -> int:
    """Every ten seconds: counts what was accepted, minute by minute."""
    began = time.monotonic()
    if began < _pause.get("ends", began):
        return 0
    counted = count(seconds=COUNT_SECONDS)
    ended = time.monotonic()
    _pause["ends"] = ended + min(LONGEST_PAUSE, (ended - began) * (SHARE - 1))
    return counted


@shared_task(name="events.index_payloads")
def index_payloads() -> None:
    """Every few seconds: sorts what came in into the payload index. Autovacuum would do it, but rarely."""
    run("SELECT gin_clean_pending_list('event_payload')", {})

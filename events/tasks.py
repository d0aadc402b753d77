"""Celery's door to events."""

from celery import shared_task

from events.arrivals_count import count_arrivals as count
from organizations.sql import run

COUNT_SECONDS = 2.0


@shared_task(name="events.count_arrivals")
def count_arrivals() -> int:
    """Every ten seconds: counts what was accepted, minute by minute."""
    return count(seconds=COUNT_SECONDS)


@shared_task(name="events.index_payloads")
def index_payloads() -> None:
    """Every few seconds: sorts what came in into the payload index. Autovacuum would do it, but rarely."""
    run("SELECT gin_clean_pending_list('event_payload')", {})

"""Celery's door to events."""

from celery import shared_task

from organizations.sql import run


@shared_task(name="events.index_payloads")
def index_payloads() -> None:
    """Every few seconds: sorts what came in into the payload index. Autovacuum would do it, but rarely."""
    run("SELECT gin_clean_pending_list('event_payload')", {})

"""Celery: `celery -A triggers_project worker`. A message is only a ring; every wait is a row."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triggers_project.settings")
# Celery would run Django's checks, which import every page, and then ignore what they found. `manage.py migrate` runs
# them, and says it.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("triggers")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Having a receiver is what tells Celery to leave logging alone; ours comes from settings.LOGGING."""
    from django.conf import settings
    from django.utils.log import configure_logging

    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)


@worker_process_init.connect
def forget_parent_connections(**_: Any) -> None:
    """A forked child must not share its parent's database connections."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.connection = None


@task_prerun.connect
def replace_old_connections(**_: Any) -> None:
    """As Django does before each request: those that are too old, and those that broke, once they are needed."""
    from django.db import close_old_connections

    close_old_connections()

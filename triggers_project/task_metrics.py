"""What is counted of Celery's tasks, for Prometheus. Only tasks that we have: their names are few."""

import time
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.signals import task_failure, task_postrun, task_prerun
from prometheus_client import Counter, Histogram

# An engine works for as long as there is something to send.
_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

tasks = Counter("triggers_tasks_total", "Celery tasks that ended, by what came of each.", ["task", "outcome"])
task_seconds = Histogram("triggers_task_seconds", "How long a Celery task took.", ["task"], buckets=_BUCKETS)

_began: dict[str, float] = {}  # by the task's id; a process has one or two at a time


@task_prerun.connect
def note_begin(task_id: str, **_: Any) -> None:
    _began[task_id] = time.perf_counter()


@task_postrun.connect
def note_end(task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
    began = _began.pop(task_id, None)
    if began is None:
        return
    tasks.labels(task.name, "succeeded" if state == "SUCCESS" else "failed").inc()
    task_seconds.labels(task.name).observe(time.perf_counter() - began)


@task_failure.connect
def note_loss(sender: Any, exception: Any = None, **_: Any) -> None:
    """Of a process that was killed only its parent can tell."""
    if isinstance(exception, WorkerLostError):
        tasks.labels(sender.name, "lost").inc()

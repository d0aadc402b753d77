"""What one task leaves for the next: a connection to PostgreSQL, as long as it is good."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from celery.app.trace import build_tracer
from celery.fixups.django import DjangoWorkerFixup
from django.db import connection

from tests.concurrency import in_another_thread
from triggers_project.celery import app


@pytest.fixture
def session(committed: None) -> Iterator[Callable[[], int]]:
    """Runs a task as a worker does. Returns the id of its session's process at the server."""
    seen: list[int] = []

    @app.task(name="tests.session", shared=False)
    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            seen.append(cursor.fetchone()[0])

    fixup = DjangoWorkerFixup(app).install()

    def run() -> int:
        trace = build_tracer(look.name, look, app=app)
        trace(str(uuid4()), (), {}, {})
        return seen.pop()

    yield run
    del fixup  # Celery's signals hold it weakly
    app.tasks.unregister(look.name)


def ended(process: int) -> bool:
    """Whether it is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
        return bool(cursor.fetchone()[0])


def test_the_next_task_has_the_same_session(session: Callable[[], int]) -> None:
    assert len({session() for _ in range(3)}) == 1


def test_one_that_broke_is_replaced_before_the_task_notices(session: Callable[[], int]) -> None:
    broken = session()
    with in_another_thread(lambda: ended(broken)) as done:
        assert done.result(timeout=20)

    assert session() != broken


def test_one_that_is_a_minute_old_is_replaced(session: Callable[[], int]) -> None:
    old = session()
    assert connection.close_at is not None
    assert 50 < connection.close_at - time.monotonic() <= 60
    connection.close_at = time.monotonic()

    assert session() != old

"""What `celery beat` runs by."""

import pytest
from celery.utils.imports import symbol_by_name

from triggers_project.celery import app


@pytest.mark.parametrize("due_in", [0.8, 0.005])
def test_beat_sleeps_until_a_schedule_is_due_and_not_nearly(due_in: float) -> None:
    """Had it slept 10 ms less, it would be told 0 until then, and look without a rest."""
    scheduler = symbol_by_name(app.conf.beat_scheduler)(app=app, lazy=True)

    assert scheduler.adjust(due_in) == due_in

import gc
from typing import Any

import pytest
from celery import current_app
from django.db import connection

from deliveries import delivering, tasks
from deliveries.heartbeat import scheduler_is_alive
from deliveries.models import Delivery
from deliveries.orphans import cancel_late_orphans
from deliveries.ring import KEY, QUEUE, ring
from events.models import Event
from organizations import redis_client
from organizations.models import Organization
from tests.deliveries.engine_room import LOOPBACK
from tests.deliveries.receiver import answers, receiving
from tests.factories import ago, make_delivery, make_endpoint, make_event, make_organization


@pytest.fixture
def engine_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The process's loop and engine are made anew, and closed; what they changed for the process is as it was."""
    monkeypatch.setattr(delivering, "_loop", None)
    monkeypatch.setattr(delivering, "_engine", None)
    thresholds = gc.get_threshold()
    yield
    delivering.close()
    delivering._loop.close()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_a_ring_is_answered_by_sending_what_is_due(
    committed_organization: Organization, engine_of_its_own: None, settings: pytest.FixtureDef
) -> None:
    settings.ALLOWED_PRIVATE_NETWORKS = LOOPBACK
    ring()
    with receiving(answers(204)) as receiver:
        make_delivery(make_endpoint(committed_organization, url=receiver.url))
        assert tasks.deliver_due() == 1
        delivering.close()
    assert Delivery.objects.get().status == "delivered"
    assert receiver.requests[0].headers["user-agent"] == f"Triggers/{settings.VERSION}"


def test_a_ring_is_answered_before_work_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ring()
    monkeypatch.setattr(delivering, "run", lambda _stopping: int(redis_client.client().exists(KEY)))
    assert tasks.deliver_due() == 0


def test_the_sweep_beats_and_rings_for_what_is_due(db: None) -> None:
    make_delivery(make_endpoint(make_organization()))
    tasks.sweep()
    assert scheduler_is_alive()
    assert redis_client.client().llen(QUEUE) == 1


def test_the_sweep_cancels_what_was_accepted_while_its_endpoint_was_being_deleted(db: None) -> None:
    organization = make_organization()
    orphan = make_delivery(make_endpoint(organization, deleted_at=ago(minutes=5)))
    other = make_delivery(make_endpoint(organization))
    tasks.sweep()
    assert dict(Delivery.objects.values_list("pk", "status")) == {orphan.pk: "canceled", other.pk: "pending"}


def test_where_no_endpoint_was_deleted_lately_the_sweep_looks_for_nothing_of_it(
    db: None, django_assert_num_queries: Any
) -> None:
    """It would each second, however much waits."""
    organization = make_organization()
    make_delivery(make_endpoint(organization, deleted_at=ago(hours=2)))
    make_delivery(make_endpoint(organization))
    with django_assert_num_queries(1) as asked:
        assert cancel_late_orphans() == 0
    assert "deliveries_delivery" not in asked.captured_queries[0]["sql"]


def test_the_purge_goes_by_the_setting(db: None, settings: pytest.FixtureDef) -> None:
    settings.RETENTION_DAYS_BY_TIER = {"free": 10}
    make_event(make_organization(), created_at=ago(days=11))
    assert tasks.purge() == 1
    assert not Event.objects.exists()


def test_the_rules_of_the_engine_are_the_settings(settings: pytest.FixtureDef) -> None:
    settings.RETRY_SCHEDULE, settings.WEBHOOK_TIMEOUT = [1, 2], 7.0
    rules = delivering.new_engine(bool).rules
    assert (rules.schedule, rules.timeout, rules.allowed) == ([1, 2], 7.0, [])
    assert rules.lease > 7.0


def test_a_worker_that_is_told_to_end_claims_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "run", lambda stopping: delivering.new_engine(stopping).rules.stopping())
    assert tasks.deliver_due() is False
    tasks.stop_claiming()
    try:
        assert tasks.deliver_due() is True
    finally:
        tasks._stopping.clear()


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("deliveries.deliver_due", "deliveries"),
        ("deliveries.sweep", "housekeeping"),
        ("deliveries.purge", "housekeeping"),
    ],
)
def test_sending_keeps_no_other_task_waiting(task: str, queue: str) -> None:
    assert task in current_app.tasks
    assert current_app.amqp.router.route({}, task)["queue"].name == queue


def test_the_schedule_is_in_the_database_for_operators_to_change(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task.task, task.queue, task.enabled, every, period FROM django_celery_beat_periodictask AS task"
            " JOIN django_celery_beat_intervalschedule AS interval ON interval.id = interval_id"
        )
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    assert found["deliveries.sweep"] == ("housekeeping", True, 1, "seconds")
    assert found["deliveries.purge"][:2] == ("housekeeping", True)

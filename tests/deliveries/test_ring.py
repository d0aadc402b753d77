from types import SimpleNamespace

import pytest
from celery import Celery
from django.db import transaction

from deliveries.ring import KEY, QUEUE, answer_ring, ring, ring_after_commit, ring_if_due
from organizations import redis_client
from organizations.models import Organization
from tests.factories import ahead, make_delivery, make_endpoint, make_organization
from tests.flows.journey import until


def waiting() -> int:
    """How many rings wait for a worker."""
    return int(redis_client.client().llen(QUEUE))


@pytest.fixture
def no_broker(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis answers us, but Celery's broker refuses the connection."""
    app = Celery("nowhere", broker=f"redis://127.0.0.1:{closed_port}/0", set_as_current=False)
    app.conf.broker_transport_options = {"interval_start": 0, "interval_step": 0, "max_retries": 1}
    monkeypatch.setattr("deliveries.ring.current_app", app)


def test_a_ring_is_a_task_that_carries_nothing() -> None:
    ring()
    message = redis_client.client().lindex(QUEUE, 0).decode()
    assert waiting() == 1
    assert '"task": "deliveries.deliver_due"' in message
    assert '"argsrepr": "()"' in message
    assert '"kwargsrepr": "{}"' in message


def test_while_one_waits_nobody_rings_again() -> None:
    for _ in range(5):
        ring()
    assert waiting() == 1


def test_who_answers_makes_way_for_the_next() -> None:
    ring()
    answer_ring()
    ring()
    assert waiting() == 2


def test_a_ring_that_nobody_answers_is_forgotten_after_5_seconds() -> None:
    ring()
    assert 0 < redis_client.client().pttl(KEY) <= 5000


@pytest.mark.usefixtures("no_redis")
def test_without_redis_ringing_and_answering_fail_in_silence() -> None:
    ring()
    answer_ring()


@pytest.mark.usefixtures("no_broker")
def test_without_broker_ringing_fails_in_silence() -> None:
    ring()


def test_it_rings_once_what_was_written_can_be_seen(committed: None) -> None:
    with transaction.atomic():
        ring_after_commit()
        assert waiting() == 0
    assert waiting() == 1


def test_what_is_rolled_back_does_not_ring(committed: None) -> None:
    with transaction.atomic():
        ring_after_commit()
        transaction.set_rollback(True)
    assert waiting() == 0


@pytest.mark.parametrize("path", ["/api/events", "/api/events/batch"])
def test_an_accepted_event_rings(committed_acme: SimpleNamespace, path: str, door: str) -> None:
    Organization.objects.update(inbox_only=True)
    event = {"type": "a", "payload": 1}
    committed_acme.api.post(path, {"events": [event]} if path.endswith("batch") else event)
    until(lambda: waiting() == 1, timeout=10, what="a ring")  # nobody's answer waits for it


# --- The sweep ----------------------------------------------------------------------------------------------------


def test_the_sweep_rings_when_something_is_due(db: None) -> None:
    make_delivery(make_endpoint(make_organization()))
    assert ring_if_due() is True
    assert waiting() == 1


def test_the_sweep_rings_although_a_ring_was_lost(db: None) -> None:
    make_delivery(make_endpoint(make_organization()))
    ring()
    redis_client.client().delete(QUEUE)
    ring_if_due()
    assert waiting() == 1


def test_the_sweep_does_not_ring_while_a_ring_waits(db: None) -> None:
    make_delivery(make_endpoint(make_organization()))
    for _ in range(3):
        ring_if_due()
    assert waiting() == 1


@pytest.mark.parametrize(
    ("endpoint", "delivery"),
    [
        ({}, {"next_attempt_at": ahead(hours=1)}),
        ({}, {"status": "delivered"}),
        ({}, {"status": "dead_letter"}),
        ({"state": "paused"}, {}),
        ({"state": "disabled"}, {}),
        ({"deleted_at": ahead()}, {}),
    ],
    ids=["in an hour", "delivered", "dead letter", "paused", "disabled", "deleted"],
)
def test_the_sweep_does_not_ring_for_what_is_not_due(
    db: None, endpoint: dict[str, object], delivery: dict[str, object]
) -> None:
    make_delivery(make_endpoint(make_organization(), **endpoint), **delivery)
    assert ring_if_due() is False
    assert waiting() == 0


@pytest.mark.usefixtures("no_redis")
def test_without_redis_the_sweep_fails_in_silence(db: None) -> None:
    make_delivery(make_endpoint(make_organization()))
    assert ring_if_due() is True

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.contrib.postgres.functions import TransactionNow
from django.db import connection, transaction
from django.db.models.functions import Now

from deliveries import purge
from deliveries.models import Attempt, Delivery, Endpoint
from deliveries.purge import purge_expired
from events.models import Event, OnceKey
from organizations.models import Organization
from organizations.sql import run_for_tuples
from tests.concurrency import in_another_thread, open_transaction, until_somebody_waits_for_a_lock
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_event, make_organization


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization()


@pytest.fixture
def endpoint(organization: Organization) -> Endpoint:
    return make_endpoint(organization)


def old_event(organization: Organization) -> Event:
    return make_event(organization, created_at=ago(days=91))


@pytest.mark.parametrize("status", ["delivered", "dead_letter", "canceled"])
def test_an_old_event_goes_with_all_that_belongs_to_it(endpoint: Endpoint, status: str) -> None:
    delivery = make_delivery(endpoint, event=old_event(endpoint.organization), status=status)
    Attempt.objects.create(delivery=delivery, number=1, started_at=Now(), duration_ms=1, outcome="delivered")
    assert purge_expired(days=90, seconds=60) == 1
    assert [model.objects.count() for model in (Event, Delivery, Attempt)] == [0, 0, 0]
    assert Endpoint.objects.count() == 1


def test_an_old_event_that_went_nowhere_goes(organization: Organization) -> None:
    old_event(organization)
    assert purge_expired(days=90, seconds=60) == 1


def test_a_young_event_stays(endpoint: Endpoint) -> None:
    make_delivery(
        endpoint, event=make_event(endpoint.organization, created_at=ago(days=89)), status="delivered"
    )
    assert purge_expired(days=90, seconds=60) == 0
    assert (Event.objects.count(), Delivery.objects.count()) == (1, 1)


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_an_event_that_is_still_to_be_sent_stays_however_old(endpoint: Endpoint, status: str) -> None:
    event = old_event(endpoint.organization)
    make_delivery(endpoint, event=event, status=status)
    make_delivery(make_endpoint(endpoint.organization), event=event, status="delivered")
    assert purge_expired(days=90, seconds=60) == 0
    assert Delivery.objects.count() == 2


def test_batches_go_on_until_nothing_old_is_left(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    for _ in range(5):
        old_event(endpoint.organization)
    stays = make_event(endpoint.organization)
    assert purge_expired(days=90, seconds=60) == 5
    assert Event.objects.get() == stays


def test_dedup_ids_that_nobody_holds_go(organization: Organization) -> None:
    free = ago(seconds=61)
    for key, expires_at in (("free", free), ("held", ahead(seconds=60)), ("now", TransactionNow())):
        OnceKey.objects.create(
            organization=organization, kind="dedup", key=key, event_id=organization.pk, expires_at=expires_at
        )
    purge_expired(days=90, seconds=60)
    assert "held" in OnceKey.objects.values_list("key", flat=True)
    assert "free" not in OnceKey.objects.values_list("key", flat=True)


def test_when_its_time_is_over_it_begins_no_further_batch(endpoint: Endpoint) -> None:
    old_event(endpoint.organization)
    assert purge_expired(days=90, seconds=0.0) == 0
    assert Event.objects.count() == 1


def test_what_is_replayed_at_that_moment_is_kept(committed: None) -> None:
    endpoint = make_endpoint(make_organization())
    delivery = make_delivery(endpoint, event=old_event(endpoint.organization), status="dead_letter")
    with open_transaction():
        Delivery.objects.all().replay()
        with in_another_thread(lambda: purge_expired(days=90, seconds=5.0)) as purged:
            until_somebody_waits_for_a_lock()
            transaction.commit()
    assert purged.result() == 0
    assert Event.objects.get() == delivery.event
    assert Delivery.objects.get().status == "pending"


def test_where_nothing_is_old_it_does_not_look_at_the_young(organization: Organization) -> None:
    for _ in range(50):
        make_event(organization)
    asked: list[tuple[str, Any]] = []
    with noted(asked):
        assert purge_expired(days=90, seconds=60) == 0
    ((statement, parameters),) = asked
    with connection.cursor() as cursor:
        # Of so few PostgreSQL might read all, and sort them.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
        (plan,) = cursor.fetchone()[0]
    assert '"Index Name": "events_event_pkey"' in json.dumps(plan)
    assert looked_at(plan["Plan"]) == 0


def test_what_was_removed_before_is_not_looked_at_again(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    events = sorted(old_event(endpoint.organization).pk for _ in range(3))
    asked: list[tuple[str, Any]] = []
    with noted(asked):
        assert purge_expired(days=90, seconds=60) == 3
    assert [parameters["after"] for _, parameters in asked] == [purge.FIRST, events[1], events[2]]


@contextmanager
def noted(asked: list[tuple[str, Any]]) -> Iterator[None]:
    """The looks for old events, with their parameters."""

    def note(statement: str, parameters: Any) -> Any:
        if statement == purge._OLDEST:
            asked.append((statement, parameters))
        return run_for_tuples(statement, parameters)

    with mock.patch.object(purge, "run_for_tuples", note):
        yield


def looked_at(node: dict[str, Any]) -> float:
    """How many events."""
    own = (
        node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        if node.get("Relation Name") == "events_event"
        else 0
    )
    return float(own) + sum(looked_at(child) for child in node.get("Plans", []))

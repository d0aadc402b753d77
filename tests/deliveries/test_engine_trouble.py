"""The engine when receivers, secrets, the database or an operator interrupt it."""

import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from standardwebhooks import Webhook

from deliveries import engine
from deliveries.endpoints import delete_endpoint
from deliveries.models import Attempt, Delivery, Endpoint, EndpointSecret
from deliveries.tasks import sweep
from organizations.encryption import encrypt
from organizations.models import Organization
from tests.deliveries.engine_room import SendOne, run_engine
from tests.deliveries.receiver import (
    answers,
    hangs,
    in_turn,
    receiving,
)
from tests.factories import ahead, due, make_delivery, make_endpoint, make_organization

# --- One receiver must not harm another ----------------------------------------------------------------------------


def test_a_receiver_that_hangs_delays_nobody_else(committed_organization: Organization) -> None:
    with receiving(hangs) as slow, receiving(answers(204)) as quick:
        for receiver, number in ((slow, 4), (quick, 40)):
            endpoint = make_endpoint(committed_organization, url=receiver.url)
            for _ in range(number):
                make_delivery(endpoint)
        run_engine(timeout=1.0, schedule=[])
    ended = [
        a.started_at + timedelta(milliseconds=a.duration_ms)
        for a in Attempt.objects.filter(outcome="delivered")
    ]
    first_late = min(Attempt.objects.filter(outcome="timeout").values_list("started_at", flat=True))
    assert len(ended) == 40
    assert max(ended) < first_late + timedelta(seconds=1.0)


def test_a_secret_that_can_not_be_read_stops_nobody_else(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        EndpointSecret.objects.filter(endpoint=endpoint).update(encrypted="gibberish")
        bad, good = (
            make_delivery(endpoint),
            make_delivery(make_endpoint(committed_organization, url=receiver.url)),
        )
        run_engine(schedule=[])
    assert dict(Delivery.objects.values_list("pk", "status")) == {bad.pk: "dead_letter", good.pk: "delivered"}
    assert [request.headers["x-delivery-id"] for request in receiver.requests] == [str(good.pk)]


def test_a_new_secret_is_used_by_an_engine_that_knows_the_old_one(
    committed_organization: Organization,
) -> None:
    fresh = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    def exchange(conversation: object) -> None:
        EndpointSecret.objects.update(encrypted=encrypt(fresh))
        Endpoint.objects.update(revision=F("revision") + 1)
        answers(500)(conversation)

    with receiving(in_turn(exchange, answers(204))) as receiver:
        make_delivery(make_endpoint(committed_organization, url=receiver.url))
        run_engine()
    Webhook(fresh).verify(receiver.requests[1].body, receiver.requests[1].headers)


# --- Interruptions ------------------------------------------------------------------------------------------------


def test_an_engine_that_is_to_stop_claims_nothing(send_one: SendOne) -> None:
    delivery, requests = send_one(answers(204), rules={"stopping": lambda: True})
    assert (delivery.claim, requests) == (0, [])


def test_an_engine_that_is_told_to_stop_settles_what_is_in_flight(send_one: SendOne) -> None:
    said: list[bool] = []

    def answer(conversation: object) -> None:
        said.append(True)
        time.sleep(0.4)
        answers(204)(conversation)

    delivery, _ = send_one(answer, rules={"stopping": lambda: bool(said)})
    assert delivery.status == "delivered"


def test_connections_that_the_database_ends_lose_nothing(
    send_one: SendOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "OUTAGE_PAUSE", 0.01)

    def end_connections(conversation: object) -> None:
        time.sleep(0.05)
        terminate_engines()
        answers(204)(conversation)

    delivery, requests = send_one(in_turn(answers(500), end_connections))
    assert (delivery.status, len(requests)) == ("delivered", 2)


def terminate_engines() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'triggers-engine'"
        )


# --- By hand ------------------------------------------------------------------------------------------------------


def test_a_failure_by_hand_keeps_the_plan(send_one: SendOne) -> None:
    planned = ahead(hours=1)
    fields = {"status": "failed", "attempts": 2, "manual": True, "resume_at": planned}
    delivery, requests = send_one(answers(500), **fields)
    assert (delivery.status, delivery.attempts, len(requests)) == ("failed", 2, 1)
    assert (delivery.next_attempt_at, Attempt.objects.get().manual) == (planned, True)


def test_a_replay_has_the_same_id_and_the_next_number(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        delivery = make_delivery(make_endpoint(committed_organization, url=receiver.url))
        run_engine()
        Delivery.objects.all().replay()
        run_engine()
    sent = [
        (request.headers["webhook-id"], request.headers["webhook-attempt"]) for request in receiver.requests
    ]
    assert sent == [(str(delivery.event_id), "1"), (str(delivery.event_id), "2")]
    assert not due().exists()
    assert uuid.UUID(sent[0][0]).version == 7


# --- One tenant must not harm another -----------------------------------------------------------------------------


def test_a_tenant_with_many_dead_endpoints_leaves_places_for_others(
    committed_organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MOST_IN_FLIGHT", 8)
    monkeypatch.setattr(engine, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(engine, "MOST_OF_ONE_TENANT", 4)
    with receiving(hangs) as slow, receiving(answers(204)) as quick:
        for _ in range(10):
            make_delivery(make_endpoint(committed_organization, url=slow.url))
        for _ in range(10):
            make_delivery(make_endpoint(make_organization(), url=quick.url))
        run_engine(timeout=1.0, schedule=[])
    ends = Attempt.objects.filter(outcome="delivered").values_list("started_at", flat=True)
    first_late = min(Attempt.objects.filter(outcome="timeout").values_list("started_at", flat=True))
    assert len(ends) == 10
    assert max(ends) < first_late + timedelta(seconds=1)


def test_a_receiver_can_not_put_off_an_attempt_by_hand_for_ever(send_one: SendOne) -> None:
    behaviour = answers(503, **{"Retry-After": "999999999999"})
    delivery, _ = send_one(behaviour, manual=True, resume_at=ahead(seconds=60))
    assert Delivery.objects.filter(pk=delivery.pk, next_attempt_at__lte=ahead(days=1, seconds=5)).exists()


def test_what_came_while_its_endpoint_was_deleted_is_canceled(committed_organization: Organization) -> None:
    endpoint = make_endpoint(committed_organization)
    kept = make_delivery(make_endpoint(committed_organization))
    delete_endpoint(endpoint)
    late = make_delivery(endpoint)
    sweep()
    assert dict(Delivery.objects.values_list("pk", "status")) == {late.pk: "canceled", kept.pk: "pending"}

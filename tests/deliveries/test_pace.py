"""The engine and gates: a pace is held, an outage of the receiver costs few attempts and heals by itself."""

import threading
import time

from deliveries.models import Attempt, Delivery, Endpoint
from organizations.models import Organization
from tests.concurrency import at_once
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import Conversation, answers, receiving
from tests.factories import ago, make_delivery, make_endpoint

RATE, NUMBER = 40, 40
CATCHING_UP = 1 + RATE * 0.1


def test_two_engines_together_hold_the_pace(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url, max_per_second=RATE)
        order = [str(make_delivery(endpoint, next_attempt_at=ago(seconds=99 - n)).pk) for n in range(NUMBER)]
        began = time.monotonic()
        at_once([run_engine] * 2)
        took = time.monotonic() - began
    assert took >= (NUMBER - CATCHING_UP) / RATE
    assert sorted(request.headers["x-delivery-id"] for request in receiver.requests) == sorted(order)
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}


def test_a_receiver_that_is_down_costs_few_attempts_and_all_arrive_when_it_is_back(
    committed_organization: Organization,
) -> None:
    down = threading.Event()
    down.set()

    def behaviour(conversation: Conversation) -> None:
        answers(500 if down.is_set() else 204)(conversation)

    with receiving(behaviour) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        for _ in range(100):
            make_delivery(endpoint)
        run_engine(schedule=[0] * 20)
        endpoint.refresh_from_db()
        assert endpoint.circuit == "open"
        assert 10 <= Attempt.objects.count() < 200  # without a circuit: 2,100
        down.clear()
        Endpoint.objects.update(probe_at=ago(seconds=1))
        run_engine(schedule=[0] * 20)
    endpoint.refresh_from_db()
    assert (endpoint.circuit, endpoint.consecutive_failures) == ("closed", 0)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}

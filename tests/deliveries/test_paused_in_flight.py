"""An endpoint that is paused or disabled while an engine sends to it."""

import threading

import pytest

from deliveries.models import Delivery, Endpoint
from organizations.models import Organization
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import Conversation, answers, receiving
from tests.factories import make_delivery, make_endpoint

EVENTS = 60


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_what_has_not_started_stays_and_resume_sends_the_rest(
    committed_organization: Organization, state: str
) -> None:
    once, stopped = threading.Lock(), threading.Event()

    def stop_it(conversation: Conversation) -> None:
        """By the first; no other is answered before."""
        if once.acquire(blocking=False):
            disabled = {"disabled_reason": "for a test"} if state == "disabled" else {}
            Endpoint.objects.update(state=state, **disabled)
            stopped.set()
        assert stopped.wait(timeout=10)
        answers(204)(conversation)

    with receiving(stop_it) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        for _ in range(EVENTS):
            make_delivery(endpoint)
        sent = run_engine()
        states = list(Delivery.objects.values_list("status", "attempts").order_by("status").distinct())
        assert 1 <= sent == len(receiver.requests) < EVENTS
        assert states == [("delivered", 1), ("pending", 0)]
        assert run_engine() == 0

        assert Endpoint.objects.resume() == 1
        assert run_engine() == EVENTS - sent
    arrived = [request.headers["x-delivery-id"] for request in receiver.requests]
    assert len(arrived) == len(set(arrived)) == EVENTS
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}

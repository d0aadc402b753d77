"""The engine, from a row to a real receiver and back."""

import json
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from standardwebhooks import Webhook

from deliveries import engine
from deliveries.claim import Claimed
from deliveries.endpoints import current_secret
from deliveries.engine import Engine
from deliveries.models import Attempt, Delivery, Endpoint, EndpointSecret
from deliveries.sender import Sender
from deliveries.settler import Settler
from organizations.encryption import encrypt
from organizations.models import Organization
from tests.deliveries.engine_room import Row, SendOne, run_engine
from tests.deliveries.receiver import (
    Behaviour,
    Conversation,
    answers,
    hangs,
    in_turn,
    receiving,
    says_and_hangs_up,
)
from tests.factories import ahead, due, make_delivery, make_endpoint, make_event


def test_a_delivery_arrives_as_the_contract_says(
    committed_organization: Organization, send_one: SendOne
) -> None:
    event = make_event(committed_organization, payload={"n": 1.5, "🦊": [None]})
    event.refresh_from_db()
    delivery, (request,) = send_one(answers(204), event=event)
    timestamp = request.headers["webhook-timestamp"]
    created = event.created_at.isoformat().replace("+00:00", "Z")
    assert json.loads(request.body) == {
        "id": str(event.pk),
        "type": "order.created",
        "timestamp": created,
        "data": {"n": 1.5, "🦊": [None]},
    }
    assert request.headers == {
        "host": request.headers["host"],
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-length": str(len(request.body)),
        "content-type": "application/json",
        "user-agent": "Triggers/0",
        "x-event-id": str(event.pk),
        "x-event-type": "order.created",
        "x-delivery-id": str(delivery.pk),
        "webhook-id": str(event.pk),
        "webhook-timestamp": timestamp,
        "webhook-signature": request.headers["webhook-signature"],
        "webhook-attempt": "1",
    }
    assert abs(int(timestamp) - time.time()) < 5


def test_the_official_library_verifies_what_arrives(send_one: SendOne) -> None:
    delivery, (request,) = send_one(answers(204))
    body = Webhook(current_secret(delivery.endpoint)).verify(request.body, request.headers)
    assert body["id"] == str(delivery.event_id)


def test_while_a_secret_is_exchanged_both_verify(committed_organization: Organization) -> None:
    old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        EndpointSecret.objects.create(endpoint=endpoint, encrypted=encrypt(old), valid_until=ahead(hours=1))
        make_delivery(endpoint)
        run_engine()
    (request,) = receiver.requests
    for secret in (old, current_secret(endpoint)):
        Webhook(secret).verify(request.body, request.headers)


def test_a_secret_whose_time_is_over_signs_no_more(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        old = EndpointSecret.objects.create(endpoint=endpoint, encrypted="none", valid_until=Now())
        make_delivery(endpoint)
        run_engine()
    assert old.pk
    assert receiver.requests[0].headers["webhook-signature"].count("v1,") == 1


def test_what_was_delivered_is_settled_and_its_attempt_kept(send_one: SendOne) -> None:
    delivery, _ = send_one(answers(200, "thanks"))
    attempt = Attempt.objects.get()
    assert (delivery.status, delivery.attempts, delivery.last_status_code) == ("delivered", 1, 200)
    assert (attempt.number, attempt.outcome, attempt.response_body) == (1, "delivered", "thanks")
    assert attempt.response_headers == {"Content-Length": "6"}
    assert 0 <= attempt.duration_ms < 5000


def test_everything_that_is_due_is_sent(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        for _ in range(3):
            endpoint = make_endpoint(committed_organization, url=receiver.url)
            for _ in range(20):
                make_delivery(endpoint)
        assert run_engine() == 60
    assert Delivery.objects.filter(status="delivered").count() == 60
    assert len({request.headers["x-delivery-id"] for request in receiver.requests}) == 60


def slowly(conversation: Conversation) -> None:
    conversation.end.wait(0.3)
    answers(204)(conversation)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str | int]:
    """What an engine does that claims ten at a time: how many it claimed, or "waits"."""
    found: list[str | int] = []
    claim, wait = Engine._claim, Engine._until_worth_claiming

    async def claimed(self: Engine, wanted: int, *, suspects: bool = False) -> list[Claimed]:
        got = await claim(self, wanted, suspects=suspects)
        if not suspects:
            found.append(len(got))
        return got

    async def waits(self: Engine, **options: float) -> None:
        found.append("waits")
        await wait(self, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "_claim", claimed)
    monkeypatch.setattr(Engine, "_until_worth_claiming", waits)
    monkeypatch.setattr(engine, "MOST_AT_ONCE", 10)
    return found


def of_each_endpoint(organization: Organization, url: str, *, endpoints: int) -> None:
    for _ in range(endpoints):  # a new one gets four places
        endpoint = make_endpoint(organization, url=url)
        for _ in range(4):
            make_delivery(endpoint)


@pytest.mark.parametrize("behaviour", [answers(204), slowly], ids=["at once", "slowly"])
def test_while_there_is_more_the_next_are_claimed_as_these_are_sent(
    committed_organization: Organization, turns: list[str | int], behaviour: Behaviour
) -> None:
    """Also while some that were sent before have not been answered: one slow receiver holds nobody up."""
    with receiving(behaviour) as receiver:
        of_each_endpoint(committed_organization, receiver.url, endpoints=6)
        run_engine()
    assert turns[:4] == [10, 10, 4, "waits"]


def test_with_enough_on_its_way_it_waits_before_it_claims_more(
    committed_organization: Organization, turns: list[str | int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WORTH_CLAIMING", 10)
    with receiving(slowly) as receiver:
        of_each_endpoint(committed_organization, receiver.url, endpoints=9)
        run_engine()
    assert turns[:3] == [10, 10, "waits"]


def test_what_can_not_be_written_is_not_sent_without_end(
    committed_organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settler has more than enough that is not written: until it is, nothing is claimed."""
    monkeypatch.setattr(engine, "MOST_UNSETTLED", 5)
    waiting = iter([6, 6])
    monkeypatch.setattr(Settler, "waiting", property(lambda _: next(waiting, 0)))
    wanted: list[int] = []
    claim = Engine._claim

    async def claimed(self: Engine, most: int, *, suspects: bool = False) -> list[Claimed]:
        if not suspects:
            wanted.append(most)
        return await claim(self, most, suspects=suspects)

    monkeypatch.setattr(Engine, "_claim", claimed)
    monkeypatch.setattr(Settler, "idle", property(lambda settler: not settler.answers and len(wanted) > 2))
    with receiving(answers(204)) as receiver:
        make_delivery(make_endpoint(committed_organization, url=receiver.url))
        assert run_engine() == 1
    assert wanted[:2] == [0, 0]


def test_a_full_engine_claims_nothing_and_takes_no_suspect(
    committed_organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MOST_IN_FLIGHT", 2)
    take_off, flights = Engine._take_off, list[int]()

    def takes_off(self: Engine, delivery: Claimed, sender: Sender) -> None:
        take_off(self, delivery, sender)
        flights.append(len(self.flights))

    monkeypatch.setattr(Engine, "_take_off", takes_off)
    with receiving(slowly) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        for lost in (0, 0, 2, 0):
            make_delivery(endpoint, unsettled_claims=lost)
        assert run_engine() == 4
    assert max(flights) == 2


def test_what_fails_is_tried_as_often_as_the_schedule_says_and_then_given_up(send_one: SendOne) -> None:
    delivery, requests = send_one(in_turn(answers(500), answers(404), answers(502, "last")))
    assert (delivery.status, delivery.attempts) == ("dead_letter", 3)
    assert (delivery.last_status_code, delivery.last_error) == (502, "The receiver answered 502.")
    assert [request.headers["webhook-attempt"] for request in requests] == ["1", "2", "3"]
    assert {request.headers["webhook-id"] for request in requests} == {str(delivery.event_id)}
    assert list(Attempt.objects.values_list("number", "status_code")) == [(1, 500), (2, 404), (3, 502)]


def test_what_failed_waits_as_the_schedule_says(send_one: SendOne) -> None:
    delivery, requests = send_one(answers(500), rules={"schedule": [100], "chance": lambda: 0.5})
    assert (delivery.status, len(requests)) == ("failed", 1)
    wanted = Now() + timedelta(seconds=110)
    assert Delivery.objects.filter(
        next_attempt_at__range=(wanted - timedelta(seconds=3), wanted + timedelta(seconds=1))
    ).exists()


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_is_waited_for(send_one: SendOne, status: int) -> None:
    send_one(answers(status, Retry_After="3600"))
    wanted = Now() + timedelta(hours=1)
    assert Delivery.objects.filter(
        next_attempt_at__range=(wanted - timedelta(seconds=3), wanted + timedelta(seconds=1))
    ).exists()


def test_a_redirect_is_a_failure_and_is_not_followed(send_one: SendOne) -> None:
    delivery, requests = send_one(answers(302, Location="/elsewhere"), rules={"schedule": []})
    assert (delivery.status, len(requests)) == ("dead_letter", 1)
    assert delivery.last_error == "The receiver answered 302; redirects are not followed."


def test_410_kills_the_delivery_and_disables_its_endpoint(send_one: SendOne) -> None:
    delivery, requests = send_one(answers(410))
    endpoint = Endpoint.objects.get()
    assert (delivery.status, delivery.attempts, len(requests)) == ("dead_letter", 1, 1)
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "The receiver answered 410 Gone.")


def test_after_a_410_what_has_not_started_waits(committed_organization: Organization) -> None:
    with receiving(answers(410)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        make_delivery(endpoint)
        run_engine()
        waiting = make_delivery(endpoint)
        assert run_engine() == 0
    waiting.refresh_from_db()
    assert waiting.status == "pending"


def test_a_410_soon_stops_what_the_same_run_would_have_sent(committed_organization: Organization) -> None:
    with receiving(answers(410)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        for _ in range(80):
            make_delivery(endpoint)
        run_engine()
    assert 1 <= len(receiver.requests) < 80
    assert due().exists()


def test_what_never_answers_is_a_timeout_that_is_retried(send_one: SendOne) -> None:
    delivery, requests = send_one(in_turn(hangs, answers(204)), rules={"timeout": 0.3})
    assert (delivery.status, len(requests)) == ("delivered", 2)
    assert Attempt.objects.get(number=1).error == "No whole answer within 0.3 s."


def test_an_answer_that_can_not_be_stored_is_stored_all_the_same(send_one: SendOne) -> None:
    delivery, _ = send_one(answers(200, b"\x00\xff" + b"x" * 20_000))
    assert delivery.status == "delivered"
    assert Attempt.objects.get().response_body == "\ufffd\ufffd" + "x" * (16 * 1024 - 2)


def test_garbage_is_an_attempt_like_any_other(send_one: SendOne) -> None:
    delivery, _ = send_one(says_and_hangs_up(b"\x00garbage\r\n\r\n"), rules={"schedule": []})
    assert (delivery.status, delivery.last_error) == ("dead_letter", "What came back is not HTTP.")


def test_an_address_that_may_not_be_called_is_not_called(send_one: SendOne) -> None:
    delivery, requests = send_one(answers(204), rules={"allowed": [], "schedule": []})
    assert (delivery.status, requests, Attempt.objects.get().outcome) == ("dead_letter", [], "forbidden")


@pytest.mark.parametrize(
    "fields",
    [{"state": "paused"}, {"state": "disabled"}, {"deleted_at": ahead()}],
    ids=["paused", "disabled", "deleted"],
)
def test_who_does_not_take_deliveries_gets_none(committed_organization: Organization, fields: Row) -> None:
    with receiving(answers(204)) as receiver:
        make_delivery(make_endpoint(committed_organization, url=receiver.url, **fields))
        assert run_engine() == 0
    assert receiver.requests == []

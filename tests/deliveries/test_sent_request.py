"""A request put together again: it is what a real receiver got, but for what is not to be seen."""

import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from deliveries import sent_request
from deliveries.endpoints import change_endpoint, configure_default
from deliveries.models import Attempt, Delivery, Endpoint, EndpointSecret
from deliveries.rotation import rotate_secret
from deliveries.sent_request import SentRequest, SentRequests, shortened
from events.models import Event
from organizations.models import Organization
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import Request, answers, receiving
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_event

TOKEN = "hunter2"


@pytest.fixture(autouse=True)
def version(settings: pytest.FixtureDef) -> None:
    settings.VERSION = "0"  # the engine room's


def got(organization: Organization, *, times: int = 1, **fields: object) -> tuple[Delivery, list[Request]]:
    """A delivery to an endpoint with a header of its own, sent so often, and what came each time."""
    with receiving(answers(500)) as receiver:
        endpoint = make_endpoint(organization, url=receiver.url, headers={"X-Token": TOKEN, "x-b": "c"})
        event = make_event(organization, payload={"n": 1.5, "fox": "🦊", "html": "<b>"})
        delivery = make_delivery(endpoint, event=event, **fields)
        run_engine(schedule=[0] * (times - 1))
    return delivery, receiver.requests


def rebuilt(delivery: Delivery, number: int = 1) -> SentRequest:
    delivery = Delivery.objects.select_related("endpoint").get(pk=delivery.pk)
    requests = SentRequests(delivery.event_id, [delivery.endpoint])
    found = requests.of(Attempt.objects.get(delivery=delivery, number=number), delivery)
    assert found is not None
    return found


def without_secrets(request: Request) -> dict[str, str]:
    hidden = {"x-token": "(not shown)", "x-b": "(not shown)"}
    return {
        **request.headers,
        **hidden,
        "webhook-signature": shortened(request.headers["webhook-signature"]),
    }


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("test", [False, True])
def test_it_is_what_the_receiver_got(committed_organization: Organization, test: bool) -> None:
    delivery, (request,) = got(committed_organization, test=test)

    found = rebuilt(delivery)

    assert lowered(found.headers) == without_secrets(request)
    assert (found.method, found.body_bytes, found.notes) == ("POST", len(request.body), ())
    requests = SentRequests(delivery.event_id, [delivery.endpoint])
    assert requests.body(delivery) == request.body.decode()


def test_each_attempt_has_its_own_time_number_and_signature(committed_organization: Organization) -> None:
    delivery, came = got(committed_organization, times=3)

    assert [lowered(rebuilt(delivery, number).headers) for number in (1, 2, 3)] == [
        without_secrets(request) for request in came
    ]
    assert [request.headers["webhook-attempt"] for request in came] == ["1", "2", "3"]


def test_no_secret_value_and_no_query_is_in_it(committed_organization: Organization) -> None:
    delivery, (request,) = got(committed_organization)

    found = rebuilt(delivery)

    assert "?" in request.target
    assert found.url.endswith("/hooks")
    assert TOKEN not in repr(found)
    assert request.headers["webhook-signature"] not in repr(found)
    assert found.headers["webhook-signature"] == request.headers["webhook-signature"][:12] + "…"


def test_while_secrets_overlap_both_signatures_are_there(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        for hours in (5, 1):
            rotate_secret(endpoint, grace=timedelta(hours=hours))
        delivery = make_delivery(endpoint)
        run_engine()
    rotate_secret(endpoint, grace=timedelta(0))
    EndpointSecret.objects.filter(valid_until__isnull=False).exclude(valid_until__gt=ahead(hours=2)).update(
        valid_until=ahead(seconds=5)
    )
    (request,) = receiver.requests

    found = rebuilt(delivery)

    assert found.headers["webhook-signature"] == shortened(request.headers["webhook-signature"])
    assert found.headers["webhook-signature"].count("…") == 3
    assert found.notes == (sent_request.CHANGED,)


def test_what_was_valid_then_signs_though_it_is_no_longer(committed_organization: Organization) -> None:
    delivery, (request,) = got(committed_organization)
    rotate_secret(Endpoint.objects.get(), grace=timedelta(0))

    assert lowered(rebuilt(delivery).headers) == without_secrets(request)


def test_a_secret_that_was_set_anew_can_not_sign_again(committed_organization: Organization) -> None:
    delivery, _ = got(committed_organization)
    Endpoint.objects.update(is_default=True)
    configure_default(
        committed_organization, url=delivery.endpoint.url, secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    )

    found = rebuilt(delivery)

    assert found.headers["webhook-signature"] == "(not shown)"
    assert found.notes == (sent_request.CHANGED, sent_request.NO_KEY)


def test_a_url_that_was_changed_since_is_said_to_be_todays(committed_organization: Organization) -> None:
    delivery, _ = got(committed_organization)
    change_endpoint(delivery.endpoint, {"url": "http://93.184.215.14/new?a=b"})

    found = rebuilt(delivery)

    assert (found.url, found.headers["Host"]) == ("http://93.184.215.14/new", "93.184.215.14")
    assert found.notes == (sent_request.CHANGED,)


def test_what_can_not_be_read_is_left_out(committed_organization: Organization) -> None:
    delivery, _ = got(committed_organization)
    Endpoint.objects.update(encrypted_headers="garbage")
    EndpointSecret.objects.update(encrypted="garbage")

    found = rebuilt(delivery)

    assert found.headers["webhook-signature"] == "(not shown)"
    assert "X-Token" not in found.headers
    assert found.notes == (sent_request.UNREADABLE_HEADERS, sent_request.UNREADABLE_KEY)


def test_without_the_payload_there_is_no_body_and_no_signature(committed_organization: Organization) -> None:
    delivery, _ = got(committed_organization)
    Event.objects.all()._raw_delete("default")

    found = rebuilt(delivery)

    assert SentRequests(delivery.event_id, []).body(delivery) is None
    assert found.headers["webhook-signature"] == "(not shown)"
    assert "Content-Length" not in found.headers
    assert (found.body_bytes, found.notes) == (None, (sent_request.NO_PAYLOAD,))


@pytest.mark.parametrize(
    ("outcome", "notes"),
    [
        ("forbidden", (sent_request.NO_CONNECTION,)),
        ("unreachable", (sent_request.NO_CONNECTION,)),
        ("timeout", ()),
    ],
)
def test_what_never_left_is_said_to(
    committed_organization: Organization, outcome: str, notes: object
) -> None:
    delivery, _ = got(committed_organization)
    Attempt.objects.update(outcome=outcome)

    assert rebuilt(delivery).notes == notes


@pytest.mark.parametrize("outcome", ["unsent", "lost"])
def test_what_was_never_made_is_none(db: None, outcome: str) -> None:
    delivery = Delivery(pk=uuid.uuid4(), event_id=uuid.uuid4(), endpoint=Endpoint())
    attempt = Attempt(number=1, outcome=outcome, started_at=ago(hours=1))

    assert SentRequests(delivery.event_id, []).of(attempt, delivery) is None


def test_a_secret_that_did_not_exist_yet_signed_nothing(committed_organization: Organization) -> None:
    delivery, _ = got(committed_organization)
    EndpointSecret.objects.update(created_at=Now())

    assert rebuilt(delivery).notes == (sent_request.NO_KEY,)

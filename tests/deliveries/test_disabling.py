"""Endpoints that are given up, and who is told."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail

from deliveries.disabling import announce_disabled, disable_failing
from deliveries.models import Delivery, Endpoint
from events.models import Event
from tests.concurrency import at_once
from tests.factories import ago, make_delivery, make_endpoint

FAILING = {"circuit": "open", "probe_at": ago(), "consecutive_failures": 40}


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    """One that was disabled, of which nobody knows yet."""
    found = make_endpoint(acme.organization, url="https://hooks.acme.example/in?token=hunter2")
    Endpoint.objects.filter(pk=found.pk).disable("Every delivery failed for 5 days.")
    return found


@pytest.fixture
def mail_server(settings: pytest.FixtureDef) -> None:
    settings.EMAIL_HOST, settings.OPERATOR_EMAILS = "mail.example", ["ops@example.com"]


def test_five_days_of_failures_disable_with_the_reason(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization, **FAILING, failing_since=ago(days=5, minutes=1))
    delivery = make_delivery(endpoint)
    assert (disable_failing(), disable_failing()) == (1, 0)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "Every delivery failed for 5 days.")
    assert ago() - endpoint.disabled_at < timedelta(minutes=1)
    delivery.refresh_from_db()
    assert delivery.status == "pending"


@pytest.mark.parametrize(
    "fields",
    [
        {**FAILING, "failing_since": ago(days=4, hours=23)},
        {**FAILING, "failing_since": None},
        {"failing_since": ago(days=6), "consecutive_failures": 3},
        {**FAILING, "failing_since": ago(days=6), "state": "paused"},
        {**FAILING, "failing_since": ago(days=6), "deleted_at": ago()},
    ],
    ids="too-short never few paused deleted".split(),
)
def test_any_other_stays_as_it_is(acme: SimpleNamespace, fields: dict[str, object]) -> None:
    make_endpoint(acme.organization, **fields)
    before = Endpoint.objects.values().get()
    assert disable_failing() == 0
    assert Endpoint.objects.values().get() == before


def test_those_that_ask_for_it_get_an_event(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    asking = [
        make_endpoint(acme.organization, event_types=types)
        for types in (["endpoint.disabled"], ["order.created", "endpoint.*"])
    ]
    make_endpoint(acme.organization)  # all of its own events, and none of ours
    make_endpoint(acme.organization, event_types=["order.*"])
    assert (announce_disabled(), announce_disabled()) == (1, 0)
    event = Event.objects.get()
    endpoint.refresh_from_db()
    assert event.type == "endpoint.disabled"
    assert event.payload == {
        "endpoint_id": str(endpoint.pk),
        "url": "https://hooks.acme.example/in",
        "reason": "Every delivery failed for 5 days.",
        "disabled_at": endpoint.disabled_at.isoformat().replace("+00:00", "Z"),
    }
    assert set(Delivery.objects.values_list("endpoint", flat=True)) == {one.pk for one in asking}


def test_an_endpoint_is_not_told_of_itself_nor_another_tenants(
    acme: SimpleNamespace, rival: SimpleNamespace, endpoint: Endpoint
) -> None:
    Endpoint.objects.update(event_types=["endpoint.*"])
    make_endpoint(rival.organization, event_types=["endpoint.*"])
    assert announce_disabled() == 1
    assert not Event.objects.exists()


@pytest.mark.usefixtures("mail_server")
def test_the_operators_get_a_mail(endpoint: Endpoint) -> None:
    announce_disabled()
    (message,) = mail.outbox
    assert (message.to, message.subject) == (
        ["ops@example.com"],
        "Triggers: an endpoint of Acme was disabled",
    )
    assert "Every delivery failed for 5 days." in message.body
    assert str(endpoint.pk) in message.body
    assert "hunter2" not in message.body


@pytest.mark.usefixtures("mail_server")
def test_a_name_can_not_write_the_mails_headers(endpoint: Endpoint) -> None:
    endpoint.organization.name = "Acme\r\nBcc: all@example.com"
    endpoint.organization.save()
    announce_disabled()
    assert mail.outbox[0].subject == "Triggers: an endpoint of Acme  Bcc: all@example.com was disabled"


def test_without_a_mail_server_nobody_is_written_to(endpoint: Endpoint) -> None:
    assert announce_disabled() == 1
    assert mail.outbox == []


def test_a_mail_server_that_is_away_stops_nothing(
    endpoint: Endpoint, settings: pytest.FixtureDef, closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed_port
    settings.OPERATOR_EMAILS = ["ops@example.com"]
    assert announce_disabled() == 1
    endpoint.refresh_from_db()
    assert endpoint.announced_at is not None


def test_of_many_at_once_one_tells(committed_acme: SimpleNamespace) -> None:
    gone = make_endpoint(committed_acme.organization)
    make_endpoint(committed_acme.organization, event_types=["endpoint.*"])
    Endpoint.objects.filter(pk=gone.pk).disable("Gone.")
    assert sum(at_once([announce_disabled] * 6)) == 1
    assert Event.objects.count() == 1


def test_what_is_resumed_and_disabled_again_is_told_again(endpoint: Endpoint) -> None:
    announce_disabled()
    Endpoint.objects.filter(pk=endpoint.pk).resume()
    endpoint.refresh_from_db()
    assert (endpoint.disabled_at, endpoint.announced_at, endpoint.failing_since) == (None, None, None)
    assert announce_disabled() == 0
    Endpoint.objects.filter(pk=endpoint.pk).disable("Again.")
    assert announce_disabled() == 1

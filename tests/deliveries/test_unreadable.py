"""Secrets and headers that FIELD_ENCRYPTION_KEYS can't read: said in words at every door, and nothing is lost."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from deliveries.custom_headers import opened
from deliveries.endpoints import current_secret
from deliveries.models import Attempt, Delivery, Endpoint, EndpointSecret
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import answers, receiving
from tests.factories import SOMEWHERE, make_delivery, make_endpoint

HEADERS = {"X-Token": "token-of-the-tenant"}
Facts = list[dict[str, Any]]


@pytest.fixture
def lose_the_key(settings: pytest.FixtureDef) -> Callable[[], list[str]]:
    """From then on FIELD_ENCRYPTION_KEYS is another; the ones before it."""

    def lose() -> list[str]:
        before = settings.FIELD_ENCRYPTION_KEYS
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        return before

    return lose


@pytest.fixture
def path(acme: SimpleNamespace, lose_the_key: Callable[[], list[str]]) -> str:
    """An endpoint whose secret and headers can't be read any more."""
    endpoint = make_endpoint(acme.organization, headers=HEADERS, is_default=True)
    lose_the_key()
    return f"/api/endpoints/{endpoint.pk}"


def test_the_endpoint_is_shown_without_its_headers(acme: SimpleNamespace, path: str) -> None:
    with structlog.testing.capture_logs() as facts:
        alone, listed = acme.api.get(path), acme.api.get("/api/endpoints")
    assert (alone.status_code, alone.json()["headers"]) == (200, None)
    assert (listed.status_code, listed.json()["items"][0]["headers"]) == (200, None)
    said = {
        "event": "endpoint.headers_unreadable",
        "log_level": "error",
        "endpoint_id": path.split("/")[-1],
    }
    assert [fact for fact in facts if fact["event"] != "request.finished"] == [said] * 2


@pytest.mark.parametrize("call", ["/pause", "/resume"])
def test_it_can_be_moved_and_changed(acme: SimpleNamespace, path: str, call: str) -> None:
    assert acme.api.post(path + call).json()["headers"] is None
    assert acme.api.patch(path, {"description": "x"}).json()["headers"] is None


def test_headers_that_are_set_anew_can_be_read(acme: SimpleNamespace, path: str) -> None:
    assert acme.api.patch(path, {"headers": {"A": "1"}}).json()["headers"] == {"A": "1"}


def test_the_secret_is_a_problem_in_words(acme: SimpleNamespace, path: str) -> None:
    with structlog.testing.capture_logs() as facts:
        response = acme.api.get(f"{path}/secret")
    document = response.json()
    assert (response.status_code, document["code"]) == (500, "secret_unreadable")
    assert document["detail"] == "This server can't read the endpoint's signing secret."
    assert [(fact["event"], fact["endpoint_id"]) for fact in facts if fact["log_level"] == "error"] == [
        ("endpoint.secret_unreadable", path.split("/")[-1])
    ]


def test_a_configuration_that_would_have_to_show_it_changes_nothing(acme: SimpleNamespace, path: str) -> None:
    response = acme.api.post("/api/webhook/config", {"webhook_url": SOMEWHERE + "/other"})
    assert (response.status_code, response.json()["code"]) == (500, "secret_unreadable")
    assert Endpoint.objects.get().url == SOMEWHERE


def test_a_rotation_gives_one_that_can_be_read(acme: SimpleNamespace, path: str) -> None:
    made = acme.api.post(f"{path}/rotate-secret").json()["secret"]
    assert acme.api.get(f"{path}/secret").json()["secret"] == made


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("secret", "Nothing was sent: this server can't read the endpoint's signing secret. Rotate it."),
        ("headers", "Nothing was sent: this server can't read the endpoint's headers. Set them anew."),
    ],
)
def test_an_attempt_says_why_nothing_was_sent_and_the_delivery_goes_out_with_the_key(
    committed_acme: SimpleNamespace,
    settings: pytest.FixtureDef,
    lose_the_key: Callable[[], list[str]],
    column: str,
    words: str,
) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_acme.organization, url=receiver.url, headers=HEADERS)
        secret, headers = current_secret(endpoint), endpoint.encrypted_headers
        before = lose_the_key()
        if column == "headers":
            committed_acme.api.post(f"/api/endpoints/{endpoint.pk}/rotate-secret", {"secret": secret})
        delivery = make_delivery(endpoint)
        run_engine(schedule=[3600])
        delivery.refresh_from_db()
        assert (delivery.status, delivery.last_error, receiver.requests) == ("failed", words, [])
        assert list(Attempt.objects.values_list("outcome", "error")) == [("unsent", words)]
        endpoint.refresh_from_db()
        assert (endpoint.consecutive_failures, endpoint.failing_since) == (0, None)  # it is not to blame

        settings.FIELD_ENCRYPTION_KEYS = [*settings.FIELD_ENCRYPTION_KEYS, *before]
        assert opened(headers) == HEADERS
        committed_acme.api.post(f"/api/deliveries/{delivery.pk}/retry")
        run_engine()
    assert Delivery.objects.get().status == "delivered"
    assert [request.headers["x-token"] for request in receiver.requests] == ["token-of-the-tenant"]


# --- manage.py check --database default, and every migrate ---------------------------------------------------------


def warned() -> list[str]:
    messages = run_checks(databases=["default"])
    return [message.msg for message in messages if message.id == "triggers.W003"]


def test_the_operator_is_warned_at_every_start(acme: SimpleNamespace, path: str) -> None:
    assert warned() == [
        "FIELD_ENCRYPTION_KEYS can't read 1 of the 1 signing secrets and the headers of 1 of the 1 endpoints looked at."
    ]


def test_who_can_read_all_is_not_warned(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization, headers=HEADERS)
    make_endpoint(acme.organization)
    assert warned() == []


def test_what_was_replaced_and_signs_no_more_is_not_looked_at(acme: SimpleNamespace, path: str) -> None:
    acme.api.post(f"{path}/rotate-secret", {"grace_seconds": 0})
    acme.api.patch(path, {"headers": {}})
    assert EndpointSecret.objects.count() == 2
    assert warned() == []


def test_before_the_tables_are_there_nothing_is_said(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr("triggers_project.checks.connection.introspection.table_names", list)
    assert warned() == []

"""`manage.py listen`, over real sockets on both sides."""

import json
import re
import threading
import time
from collections.abc import Iterator
from io import StringIO
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from standardwebhooks import Webhook

from deliveries.endpoints import configure_default
from deliveries.models import Delivery
from events.models import Event
from organizations.scopes import EVENTS_READ
from tests.deliveries.receiver import Receiver, answers, receiving
from tests.factories import SOMEWHERE, ago, make_endpoint, make_event, make_key
from triggers_project.wsgi import application


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server(committed_acme: SimpleNamespace) -> Iterator[str]:
    """The URL at which the API answers."""
    with make_server("127.0.0.1", 0, application, handler_class=Silent) as httpd:

        def serve() -> None:
            try:
                httpd.serve_forever(poll_interval=0.02)
            finally:
                connections.close_all()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join(10)


@pytest.fixture
def acme(committed_acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Also its default endpoint's secret; its key is in the environment."""
    monkeypatch.setenv("TRIGGERS_API_KEY", committed_acme.key)
    _, committed_acme.secret = configure_default(committed_acme.organization, url=SOMEWHERE)
    return committed_acme


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(answers(200)) as receiver:
        yield receiver


def listen(server: str, forward_to: str, *arguments: str) -> tuple[int, list[str]]:
    """Its exit code, and its lines without time and ids."""
    out = StringIO()
    code = 0
    try:
        call_command(
            "listen", "--url", server, "--forward-to", forward_to, *arguments, stdout=out, stderr=out
        )
    except SystemExit as end:
        code = int(str(end.code))
    lines = out.getvalue().splitlines()
    return code, [re.sub(r"^[\d:]{8} |[0-9a-f-]{36} |[\d,]+ ms", "", line) for line in lines]


def ids(receiver: Receiver) -> list[str]:
    return [request.headers["webhook-id"] for request in receiver.requests]


def test_events_are_forwarded_as_triggers_would_send_them(
    server: str, acme: SimpleNamespace, receiver: Receiver
) -> None:
    event = make_event(acme.organization, payload={"n": 1, "price": 1.50, "name": "Zoë"})

    code, lines = listen(server, receiver.url, "--backlog", "--once")

    assert (code, lines) == (0, ["POST order.created 200, "])
    (request,) = receiver.requests
    Webhook(acme.secret).verify(request.body, request.headers)
    shown = acme.api.get(f"/api/events/{event.pk}").json()
    assert json.loads(request.body) == {
        "id": str(event.pk),
        "type": "order.created",
        "timestamp": shown["created_at"],
        "data": {"n": 1, "price": 1.5, "name": "Zoë"},
    }
    assert (request.headers["webhook-id"], request.headers["webhook-attempt"]) == (str(event.pk), "1")
    assert request.headers["x-event-type"] == "order.created"


def test_nothing_is_acknowledged_unless_asked_for_and_answered_with_2xx(
    server: str, acme: SimpleNamespace, receiver: Receiver
) -> None:
    make_event(acme.organization)
    listen(server, receiver.url, "--backlog", "--once")
    with receiving(answers(500)) as broken:
        code, lines = listen(server, broken.url, "--backlog", "--once", "--ack")
    assert (code, lines) == (1, ["POST order.created 500, "])
    assert Event.objects.unacknowledged().count() == 1

    assert listen(server, receiver.url, "--backlog", "--once", "--ack") == (
        0,
        ["POST order.created 200, , acknowledged"],
    )
    assert Event.objects.acknowledged().count() == 1


def test_it_forwards_what_comes_in_order_and_once_and_says_in_the_end_how_many(
    server: str, acme: SimpleNamespace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_event(acme.organization, created_at=ago(days=1))
    make_event(acme.organization)
    made: list[str] = []

    def send(_seconds: float) -> None:
        if len(made) >= 6:
            raise KeyboardInterrupt
        made.extend(str(make_event(acme.organization).pk) for _ in range(3))

    monkeypatch.setattr(time, "sleep", send)
    code, lines = listen(server, receiver.url)

    assert code == 0
    assert ids(receiver) == made
    assert lines[0] == f"Forwarding to {receiver.url.partition('?')[0]}. Ctrl-C ends."
    assert lines[-1] == "6 forwarded, 6 answered with 2xx."


def test_many_pages_are_read_to_the_end_the_oldest_first(
    server: str, acme: SimpleNamespace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triggers_project.listening.PAGE", 2)
    expected = [str(make_event(acme.organization).pk) for _ in range(5)]
    make_event(acme.organization, event_type="other")
    listen(server, receiver.url, "--backlog", "--once", "--type", "order.created")
    assert ids(receiver) == expected


def test_where_nobody_listens_it_says_so(server: str, acme: SimpleNamespace, closed_port: int) -> None:
    make_event(acme.organization)
    code, lines = listen(server, f"http://127.0.0.1:{closed_port}/", "--backlog", "--once")
    assert (code, lines) == (1, ["POST order.created no answer: ConnectionError, "])


def test_while_triggers_is_away_it_tries_again(
    acme: SimpleNamespace, receiver: Receiver, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter([None, KeyboardInterrupt])

    def pause(_seconds: float) -> None:
        if (end := next(calls)) is not None:
            raise end

    monkeypatch.setattr(time, "sleep", pause)
    away = f"http://127.0.0.1:{closed_port}"
    code, lines = listen(away, receiver.url, "--secret", acme.secret, "--backlog")
    assert code == 0
    assert lines[1:3] == [f"{away} does not answer (ConnectionError). Trying again."] * 2
    with pytest.raises(CommandError, match="does not answer"):
        listen(away, receiver.url, "--secret", acme.secret, "--once")


def test_a_secret_can_be_given_or_that_of_another_endpoint_be_used(
    server: str, acme: SimpleNamespace, receiver: Receiver
) -> None:
    other = "whsec_" + "YSBzZWNyZXQgb2YgdGVzdF9saXN0ZW4sIDMyIGJ5dGVz"
    endpoint = make_endpoint(acme.organization, secret=other)
    make_event(acme.organization)
    for arguments in (["--secret", other], ["--endpoint", str(endpoint.pk)]):
        listen(server, receiver.url, "--backlog", "--once", *arguments)
    for request in receiver.requests:
        Webhook(other).verify(request.body, request.headers)
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    ("key", "arguments", "words"),
    [
        (None, [], "Put an API key into the environment: export TRIGGERS_API_KEY="),
        ("wrong", [], "is answered with 401"),
        ("reader", [], "is answered with 403: .* Say with which secret to sign"),
        ("reader", ["--secret", "short"], "--secret takes whsec_ and 24-64 bytes"),
    ],
)
def test_what_is_refused_is_said_in_words(
    server: str,
    acme: SimpleNamespace,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    key: str | None,
    arguments: list[str],
    words: str,
) -> None:
    keys = {"wrong": "trg_wrong", "reader": make_key(acme.organization, scopes=[EVENTS_READ])}
    monkeypatch.setenv("TRIGGERS_API_KEY", keys[key] if key else "")
    with pytest.raises(CommandError, match=words):
        listen(server, receiver.url, "--once", *arguments)
    assert receiver.requests == []


def test_it_asks_no_database_itself(
    server: str,
    acme: SimpleNamespace,
    receiver: Receiver,
    django_assert_num_queries: Any,
) -> None:
    make_event(acme.organization)
    with django_assert_num_queries(0):  # of this thread's connection
        listen(server, receiver.url, "--backlog", "--once")
    assert Delivery.objects.count() == 0

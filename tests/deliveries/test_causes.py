"""Causes: what differs within one falls together, and each way to fail has a kind."""

from datetime import UTC, datetime
from types import SimpleNamespace

import aiohttp
import pytest

from deliveries import failures
from deliveries.causes import KINDS, cause, group_by_cause, in_words
from deliveries.connector import ForbiddenAddress, TooManyInterim
from deliveries.models import Delivery, Endpoint
from deliveries.outcome import answered
from tests.factories import ago, make_delivery, make_endpoint

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization)


def died(endpoint: Endpoint, code: int | None, error: str, **fields: object) -> Delivery:
    return make_delivery(endpoint, status="dead_letter", last_status_code=code, last_error=error, **fields)


@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [
        (503, "The receiver answered 503.", "503"),
        (302, "The receiver answered 302; redirects are not followed.", "302"),
        (None, "No whole answer within 15 s.", "No whole answer in time."),
        (200, "No whole answer within 2.5 s. It had begun to answer, with 200.", "No whole answer in time."),
        (None, "No TLS handshake within 5 s.", "No TLS handshake in time."),
        (
            None,
            "Its TLS certificate is not valid: it expired 3 days ago, on 2026-11-20.",
            "Its TLS certificate is not valid: it expired.",
        ),
        (
            None,
            "Its TLS certificate is not valid: it is not valid before 2026-12-01, in 1 week.",
            "Its TLS certificate is not valid: it is not valid yet.",
        ),
        (None, "No connection: Connection refused.", "No connection: Connection refused."),
        (
            None,
            "5 times in a row the worker that sent it died before it had an answer.",
            "Several times in a row the worker that sent it died before it had an answer.",
        ),
        (503, "", "503"),
        (None, "", "none"),
    ],
)
def test_what_differs_from_attempt_to_attempt_is_no_part_of_a_cause(
    endpoint: Endpoint, code: int | None, error: str, expected: str
) -> None:
    died(endpoint, code, error)

    found = group_by_cause(Delivery.objects.dead())

    assert [group.cause for group in found.largest] == [expected]
    assert Delivery.objects.alias(last_cause=cause()).filter(last_cause=expected).count() == 1


def test_groups_are_of_one_endpoint_and_one_cause_the_largest_first(
    endpoint: Endpoint, rival: SimpleNamespace
) -> None:
    other = make_endpoint(rival.organization)
    first, last = ago(days=2), ago(hours=1)
    died(endpoint, None, "No whole answer within 15 s.", settled_at=last)
    died(endpoint, None, "No whole answer within 30 s.", settled_at=first)
    died(endpoint, 503, "The receiver answered 503.")
    died(other, 503, "The receiver answered 503.")
    make_delivery(endpoint, status="delivered", last_status_code=200)

    found = group_by_cause(Delivery.objects.dead())

    assert (found.groups, found.deliveries) == (3, 4)
    largest, *rest = found.largest
    assert (largest.endpoint_id, largest.cause, largest.number) == (
        endpoint.pk,
        "No whole answer in time.",
        2,
    )
    assert (largest.oldest, largest.newest) == (first, last)
    assert {(group.endpoint_id, group.cause, group.number) for group in rest} == {
        (endpoint.pk, "503", 1),
        (other.pk, "503", 1),
    }


def test_nothing_is_in_no_group(db: None) -> None:
    assert group_by_cause(Delivery.objects.none()).largest == []
    assert group_by_cause(Delivery.objects.dead()).deliveries == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [("503", "503 Service Unavailable"), ("599", "599"), ("none", "No answer was noted"), ("No.", "No.")],
)
def test_a_cause_in_words(text: str, words: str) -> None:
    assert in_words(text) == words


def kind_of(delivery: Delivery) -> list[str]:
    return [
        kind for kind, (_, condition) in KINDS.items() if Delivery.objects.filter(condition, pk=delivery.pk)
    ]


@pytest.mark.parametrize(
    ("code", "kind"), [(503, "5xx"), (404, "4xx"), (429, "4xx"), (410, "410"), (302, "3xx")]
)
def test_an_answer_has_one_kind(endpoint: Endpoint, code: int, kind: str) -> None:
    outcome = answered(code, headers={}, body="", now=NOW)

    assert kind_of(died(endpoint, outcome.status_code, outcome.error)) == [kind]


def connection_error(error: OSError, name: type[Exception] = aiohttp.ClientConnectorError) -> Exception:
    return name(SimpleNamespace(ssl=None, host="a.example", port=443), error)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aiohttp.ConnectionTimeoutError(), "timeout"),
        (TimeoutError(), "timeout"),
        (ForbiddenAddress(), "forbidden"),
        (connection_error(OSError(), aiohttp.ClientConnectorDNSError), "name"),
        (connection_error(OSError(), aiohttp.ClientConnectorSSLError), "tls"),
        (TooManyInterim(), "broken"),
        (aiohttp.ClientResponseError(None, ()), "broken"),  # type: ignore[arg-type]
        (aiohttp.ServerDisconnectedError(), "broken"),
        (ValueError(), "connection"),
        (connection_error(ConnectionRefusedError(111, "")), "connection"),
        (connection_error(OSError()), "connection"),
    ],
)
@pytest.mark.parametrize("code", [None, 200])
def test_a_failure_has_one_kind_whatever_it_had_begun_to_answer(
    endpoint: Endpoint, error: Exception, kind: str, code: int | None
) -> None:
    outcome = failures.failure(error, status_code=code, timeout=15, reached=False)

    assert kind_of(died(endpoint, outcome.status_code, outcome.error)) == [kind]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("It was not called: A URL may not have a fragment (#...).", "forbidden"),
        ("Its TLS certificate is not valid: it signed itself.", "tls"),
        ("It could not be sent; the log says why.", "ours"),
        ("5 times in a row the worker that sent it died before it had an answer.", "ours"),
        ("", "ours"),
    ],
)
def test_what_else_may_be_said_has_one_kind(endpoint: Endpoint, error: str, kind: str) -> None:
    assert kind_of(died(endpoint, None, error)) == [kind]

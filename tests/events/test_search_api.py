"""GET /api/events?payload="""

from types import SimpleNamespace

import pytest
from django.db import connection

from events.models import Event
from events.tasks import index_payloads
from tests.calls import pointers
from tests.factories import make_event

EVENTS = "/api/events"
ORDER = {"order": {"id": 17, "tags": ["new", "vip"], "total": 12.50}, "note": "a\nb"}


def found(tenant: SimpleNamespace, payload: str, **query: object) -> list[str]:
    response = tenant.api.get(EVENTS, payload=payload, **query)
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


@pytest.mark.parametrize(
    "document",
    [
        '{"order":{"id":17}}',
        '{"order": {"tags": ["vip"]}}',
        '{"order":{"total":12.5}}',
        '{"note":"a\\nb"}',
        "{}",
        '{"order":{},"note":"a\\u000ab"}',
    ],
)
def test_what_the_payload_contains_is_found(acme: SimpleNamespace, document: str) -> None:
    event = make_event(acme.organization, payload=ORDER)
    make_event(acme.organization, payload=[1])
    assert found(acme, document) == [str(event.pk)]


@pytest.mark.parametrize(
    "document", ['{"order":{"id":18}}', '{"id":17}', '{"order":17}', "17", '"order"', "[]"]
)
def test_what_it_does_not_contain_is_not(acme: SimpleNamespace, document: str) -> None:
    make_event(acme.organization, payload=ORDER)
    assert found(acme, document) == []


def test_numbers_are_compared_to_the_last_digit(acme: SimpleNamespace) -> None:
    acme.api.post("/api/webhook/config", {"webhook_url": None})
    acme.api.post(EVENTS, b'{"type":"a","payload":{"n":9007199254740993}}')
    assert len(found(acme, '{"n":9007199254740993}')) == 1
    assert found(acme, '{"n":9007199254740992}') == []


def test_it_goes_with_the_other_filters_and_pages(acme: SimpleNamespace) -> None:
    events = [make_event(acme.organization, payload=ORDER, event_type=kind) for kind in ("a", "b", "a")]
    assert found(acme, '{"order":{"id":17}}', type="a") == [str(events[2].pk), str(events[0].pk)]
    first = acme.api.get(EVENTS, payload='{"note":"a\\nb"}', limit=2).json()
    assert found(acme, '{"note":"a\\nb"}', limit=2, cursor=first["next_cursor"]) == [str(events[0].pk)]


def test_another_tenants_events_are_not_found(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    make_event(acme.organization, payload=ORDER)
    assert found(rival, '{"order":{"id":17}}') == []


def test_an_empty_one_counts_as_absent(acme: SimpleNamespace) -> None:
    event = make_event(acme.organization)
    assert found(acme, "") == [str(event.pk)]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "This is not JSON"),
        ("{n:1}", "This is not JSON"),
        ("NaN", "NaN"),
        (" ", "This is empty"),
        ('"\\u0000"', "This holds \\u0000, which can't be stored."),
        ('"\\ud800"', "surrogate"),
        ("[" * 65 + "]" * 65, "This is nested deeper than 64 levels."),
        ("1e999", "exponent beyond 308"),
        ("[" * 5_000, "deep"),
    ],
    ids="half bare nan blank nul surrogate deep large absurd".split(),
)
def test_what_no_event_could_contain_is_refused_in_words(
    acme: SimpleNamespace, document: str, words: str
) -> None:
    response = acme.api.get(EVENTS, payload=document)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_query")
    assert pointers(response) == ["#/payload"]
    assert words in response.json()["errors"][0]["detail"]


def test_the_index_answers_it(acme: SimpleNamespace) -> None:
    make_event(acme.organization, payload=ORDER)
    index_payloads()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        assert "event_payload" in Event.objects.containing('{"order":{"id":17}}').explain()

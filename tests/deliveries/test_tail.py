"""`manage.py tail`"""

import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from deliveries import live as live_module
from deliveries.live import Happening, Live
from deliveries.models import Attempt, Delivery
from tests.concurrency import in_another_thread, open_transaction
from tests.factories import ago, make_delivery, make_endpoint, make_event, make_organization

BACK = timedelta(seconds=45)


def attempted(delivery: Delivery, number: int = 1, **fields: object) -> Attempt:
    made = {
        "started_at": ago(seconds=1),
        "duration_ms": 27,
        "outcome": "delivered",
        "status_code": 200,
        **fields,
    }
    return Attempt.objects.create(delivery=delivery, number=number, **made)


def shown(found: tuple[list[Happening], int]) -> list[tuple[str, str]]:
    return [(one.kind, one.type) for one in found[0]]


@pytest.fixture
def tail(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What it prints, while between its first look and its second something happens, and then Ctrl-C."""

    def run(*arguments: str, while_it_waits: Callable[[], object]) -> list[str]:
        calls = iter([while_it_waits, lambda: None])

        def pause(_seconds: float) -> None:
            if (act := next(calls, None)) is None:
                raise KeyboardInterrupt
            act()

        out = StringIO()
        with monkeypatch.context() as patched:
            patched.setattr(time, "sleep", pause)
            call_command("tail", *arguments, stdout=out, stderr=out)
        return out.getvalue().splitlines()

    return run


def test_events_and_attempts_are_a_line_each_and_shown_once(
    acme: SimpleNamespace, tail: Callable[..., list[str]]
) -> None:
    endpoint = make_endpoint(acme.organization, url="http://93.184.215.14/hooks?token=secret")
    old = make_delivery(endpoint)
    attempted(old)

    def happen() -> None:
        event = make_event(acme.organization, payload={"card": "4111"})
        attempted(make_delivery(endpoint, event=event))
        attempted(old, 2, outcome="unreachable", status_code=None, error="refused", duration_ms=3)

    lines = tail(while_it_waits=happen)

    assert len(lines) == 3
    assert sorted(re.sub(r"^[\d:.]{12} |[0-9a-f-]{36}", "", line) for line in lines) == [
        "attempt order.created  → http://93.184.215.14/hooks attempt 1: delivered 200, 27 ms",
        "attempt order.created  → http://93.184.215.14/hooks attempt 2: unreachable refused, 3 ms",
        "event   order.created  Acme",
    ]


def test_payloads_are_shown_to_who_asks_for_them(
    acme: SimpleNamespace, tail: Callable[..., list[str]]
) -> None:
    def happen() -> None:
        make_event(acme.organization, payload={"card": "4111"})

    assert "4111" not in "".join(tail(while_it_waits=happen))
    assert tail("--payloads", while_it_waits=happen)[0].endswith('Acme {"card": "4111"}')
    (line,) = tail("--payloads", "--json", while_it_waits=happen)
    assert json.loads(line)["payload"] == {"card": "4111"}


def test_json_names_event_and_delivery(acme: SimpleNamespace, tail: Callable[..., list[str]]) -> None:
    delivery = make_delivery(make_endpoint(acme.organization))
    (line,) = tail("--json", while_it_waits=lambda: attempted(delivery))
    found = json.loads(line)
    found.pop("at")
    assert found == {
        "kind": "attempt",
        "event_id": str(delivery.event_id),
        "type": "order.created",
        "tenant": "Acme",
        "delivery_id": str(delivery.pk),
        "number": 1,
        "outcome": "delivered",
        "status_code": 200,
        "error": "",
        "duration_ms": 27,
        "url": "http://93.184.215.14/hooks",
    }


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({}, ["invoice.paid", "order.created", "order.created"]),
        ({"pattern": "order.created"}, ["order.created", "order.created"]),
        ({"pattern": "invoice.*"}, ["invoice.paid"]),
        ({"pattern": "order"}, []),
    ],
)
def test_types_and_tenants_can_be_picked(
    acme: SimpleNamespace, rival: SimpleNamespace, which: dict[str, str], expected: list[str]
) -> None:
    live = Live(attempts_back=BACK, **which)
    theirs = Live(attempts_back=BACK, organization_id=rival.organization.pk)
    for event_type in ("order.created", "invoice.paid"):
        make_event(acme.organization, event_type=event_type)
    attempted(make_delivery(make_endpoint(rival.organization)))
    assert sorted(one.type for one in live.look()[0] if one.kind == "event") == expected
    assert sorted(shown(theirs.look())) == [("attempt", "order.created"), ("event", "order.created")]


def test_what_was_there_before_is_no_news_and_nothing_is_told_twice(acme: SimpleNamespace) -> None:
    attempted(make_delivery(make_endpoint(acme.organization)))
    live = Live(attempts_back=BACK)
    assert live.look() == ([], 0)
    make_event(acme.organization)
    assert shown(live.look()) == [("event", "order.created")]
    assert live.look() == ([], 0)


def test_what_is_committed_late_is_told_late(committed: None) -> None:
    organization = make_organization()
    live = Live(attempts_back=BACK)
    with open_transaction():
        make_event(organization, event_type="late")

        def meanwhile() -> list[tuple[str, str]]:
            make_event(organization, event_type="quick")
            found = shown(live.look())
            connection.close()
            return found

        with in_another_thread(meanwhile) as looked:
            assert looked.result(20) == [("event", "quick")]
        transaction.commit()
    assert shown(live.look()) == [("event", "late")]


def test_of_too_many_it_says_how_many_more(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "MOST_TOLD", 2)
    live = Live(attempts_back=BACK)
    for _ in range(5):
        make_event(acme.organization)
    happened, left = live.look()
    assert (len(happened), left) == (2, 3)
    assert live.look() == ([], 0)


def test_a_tenant_that_is_not_there_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="There is no organization"):
        call_command("tail", "--organization", str(uuid.UUID(int=1)))


def test_attempts_of_lately_are_found_by_an_index(db: None) -> None:
    """With so few rows any other way would do as well, and which is taken hangs on what was stored before."""
    asked = {"organization": None, "type": None, "prefix": None, "after": ago(seconds=45)}
    with connection.cursor() as cursor:
        for other_way in ("seqscan", "indexscan", "indexonlyscan", "nestloop"):
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
        cursor.execute(f"EXPLAIN {live_module._NEW_ATTEMPTS}", asked)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "attempt_by_time" in plan

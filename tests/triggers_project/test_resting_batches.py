"""Batches of who has much, where others are there (docs/decisions/0014)."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from deliveries.courtesy import Courtesy
from organizations.models import Organization
from tests.calls import encoded
from tests.doors import call, exchange


@pytest.fixture(autouse=True)
def _inbox_is_enough(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)


def test_a_batch_of_who_rests_begins_later(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr("events.api_fast.asyncio.sleep", note)
    monkeypatch.setattr(Courtesy, "rest_of", lambda self, organization, *, now: 0.7)
    assert [answer.status_code for answer in at_once(1, acme)] == [202]
    assert 0.7 in waited


def test_in_company_batches_of_a_sender_that_come_at_once_rest_one_after_the_other(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seen_of_batches(3, acme, monkeypatch, rest=0) == ["rests", "served"] * 3


def test_nobody_waits_for_its_turn_for_longer_than_it_may_rest(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.api_fast.LONGEST_REST", 0.02)
    assert seen_of_batches(2, acme, monkeypatch, rest=0.2) == ["rests", "rests", "served", "served"]


def seen_of_batches(
    count: int, acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *, rest: float
) -> list[str]:
    """What became of so many at once, in company, while their sender rests for so many seconds each time."""
    seen: list[str] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        if seconds == 0.7:
            seen.append("rests")
        await sleep(rest if seconds == 0.7 else 0)

    monkeypatch.setattr("events.api_fast.asyncio.sleep", note)
    monkeypatch.setattr(Courtesy, "rest_of", lambda self, organization, *, now: 0.7)
    monkeypatch.setattr(Courtesy, "in_company", lambda self, *, now: True)
    monkeypatch.setattr(Courtesy, "serve", lambda self, served, **_: seen.append("served"))
    assert {answer.status_code for answer in at_once(count, acme)} <= {202, 207}
    return seen


def at_once(batches: int, acme: SimpleNamespace) -> list[Any]:
    headers = {"X-API-Key": acme.key, "Content-Type": "application/json"}
    body = encoded({"events": [{"type": "order.created", "payload": {"n": 1}, "dedup_id": "d"}]})
    return exchange(*(call("POST", "/api/events/batch", body, headers) for _ in range(batches)))

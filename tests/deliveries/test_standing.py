"""How things stand now."""

from types import SimpleNamespace

import pytest
from django.utils import timezone

from deliveries.standing import _WAITING, Standing, standing
from tests.factories import ago, ahead, make_delivery, make_endpoint


def test_nothing_is_there_yet(db: None) -> None:
    assert standing() == Standing(0, 0, 0, 0, 0, 0, 0, None, False, 0)


def test_what_may_be_sent_what_is_held_back_and_what_waits(acme: SimpleNamespace) -> None:
    well = make_endpoint(acme.organization)
    spared = make_endpoint(acme.organization, circuit="open", probe_at=ahead(minutes=1))
    paused = make_endpoint(acme.organization, state="paused")
    make_endpoint(acme.organization, state="disabled")
    make_endpoint(acme.organization, state="disabled", deleted_at=timezone.now())
    make_delivery(well, next_attempt_at=ago(seconds=30))
    make_delivery(well, next_attempt_at=ago(seconds=10))
    make_delivery(well, status="failed", next_attempt_at=ahead(minutes=5))
    make_delivery(well, status="delivered", next_attempt_at=None, settled_at=timezone.now())
    make_delivery(spared, status="failed", next_attempt_at=ago(days=1))
    make_delivery(paused, next_attempt_at=ago(hours=1))
    for endpoint in (well, paused):
        make_delivery(endpoint, status="dead_letter", next_attempt_at=None, settled_at=timezone.now())

    now = standing()

    assert (now.enabled, now.open_circuits, now.paused, now.disabled, now.endpoints) == (1, 1, 1, 1, 4)
    assert (now.due, now.held, now.later, now.dead, now.more) == (2, 2, 1, 2, False)
    assert now.oldest_due_seconds is not None
    assert 25 < now.oldest_due_seconds < 35


def test_what_waits_for_its_endpoints_own_pace_is_held_back_by_that(acme: SimpleNamespace) -> None:
    at_its_pace = make_endpoint(acme.organization, max_per_second=1, paced_until=ago(seconds=1))
    forgotten = make_endpoint(acme.organization, max_per_second=1, paced_until=ago(seconds=20))
    unused = make_endpoint(acme.organization, max_per_second=1)
    make_delivery(at_its_pace, next_attempt_at=ago(hours=1))
    make_delivery(forgotten, next_attempt_at=ago(seconds=30))
    make_delivery(unused, next_attempt_at=ago(seconds=10))

    now = standing()

    assert (now.due, now.held) == (2, 1)
    assert now.oldest_due_seconds is not None
    assert 25 < now.oldest_due_seconds < 35


def test_counting_ends_somewhere(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deliveries.standing._WAITING", _WAITING.replace("10000", "2"))
    endpoint = make_endpoint(acme.organization)
    for _ in range(3):
        make_delivery(endpoint, next_attempt_at=ago(seconds=1))

    assert standing().due == 2
    assert standing().more

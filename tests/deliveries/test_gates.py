"""The gate of an endpoint with a pace, or with a circuit that is not closed: what the claim lets pass."""

import time
from datetime import timedelta

import pytest

from deliveries.claim import BURST, next_opening
from deliveries.models import Delivery, Endpoint
from organizations.models import Organization
from tests.concurrency import at_once
from tests.deliveries.engine_room import claim, on_a_connection
from tests.factories import ago, ahead, make_delivery, make_endpoint


@pytest.fixture
def endpoint(committed_organization: Organization) -> Endpoint:
    return make_endpoint(committed_organization)


def wait_at(endpoint: Endpoint, number: int, **fields: object) -> list[str]:
    """So many due deliveries, the longest due first."""
    return [
        str(make_delivery(endpoint, **{"next_attempt_at": ago(minutes=number - place), **fields}).pk)
        for place in range(number)
    ]


def opened(endpoint: Endpoint, *, probe_at: object) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(circuit="open", probe_at=probe_at, probe_wait=5)


def opening() -> float | None:
    return on_a_connection(next_opening)


# --- The circuit --------------------------------------------------------------------------------------------------


def test_an_open_circuit_lets_nothing_pass_and_costs_no_attempt(endpoint: Endpoint) -> None:
    wait_at(endpoint, 3)
    opened(endpoint, probe_at=ahead(hours=1))
    assert claim() == []
    assert set(Delivery.objects.values_list("claim", "attempts", "status")) == {(0, 0, "pending")}


def test_when_its_time_has_come_one_passes_as_a_probe(endpoint: Endpoint) -> None:
    waiting = wait_at(endpoint, 3)
    opened(endpoint, probe_at=ago(seconds=1))
    (probe,) = claim()
    assert (probe.id, probe.probed) == (waiting[0], True)
    endpoint.refresh_from_db()
    assert endpoint.circuit == "half_open"
    assert claim() == []


def test_of_many_at_once_one_probes(endpoint: Endpoint) -> None:
    wait_at(endpoint, 20)
    opened(endpoint, probe_at=ago(seconds=1))
    assert sum(len(found) for found in at_once([claim] * 8)) == 1


def test_a_probe_that_got_lost_is_followed_by_another_when_its_lease_is_over(endpoint: Endpoint) -> None:
    wait_at(endpoint, 2)
    opened(endpoint, probe_at=ago(seconds=1))
    assert len(claim(lease=0.0)) == 1
    assert len(claim()) == 1


def test_what_is_sent_by_hand_goes_past_it(endpoint: Endpoint) -> None:
    waiting = wait_at(endpoint, 3)
    opened(endpoint, probe_at=ahead(hours=1))
    Delivery.objects.filter(pk=waiting[2]).send_now()
    assert [(found.id, found.manual, found.probed) for found in claim()] == [(waiting[2], True, True)]


def test_a_test_event_goes_past_it(endpoint: Endpoint) -> None:
    wait_at(endpoint, 2)
    (test,) = wait_at(endpoint, 1, test=True)
    opened(endpoint, probe_at=ahead(hours=1))
    assert [found.id for found in claim()] == [test]


def test_by_hand_no_more_go_past_it_than_have_room(endpoint: Endpoint) -> None:
    wait_at(endpoint, 5, manual=True)
    opened(endpoint, probe_at=ahead(hours=1))
    assert len(claim(rooms={str(endpoint.pk): 2})) == 2


def test_another_endpoint_is_not_delayed(endpoint: Endpoint) -> None:
    wait_at(endpoint, 2)
    opened(endpoint, probe_at=ahead(hours=1))
    other = make_endpoint(endpoint.organization)
    waiting = wait_at(other, 2)
    assert {(found.id, found.probed) for found in claim()} == {(id_, False) for id_ in waiting}


# --- The pace -----------------------------------------------------------------------------------------------------


def paced(endpoint: Endpoint, rate: int) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(max_per_second=rate)


def test_what_passes_keeps_its_order_and_the_rest_costs_no_attempt(endpoint: Endpoint) -> None:
    waiting = wait_at(endpoint, 3)
    paced(endpoint, 1)
    assert [found.id for found in claim()] == waiting[:1]
    Endpoint.objects.update(paced_until=ahead(hours=1))
    assert claim() == []
    assert set(Delivery.objects.exclude(pk=waiting[0]).values_list("claim", "attempts")) == {(0, 0)}


def test_who_was_idle_may_catch_up_a_tenth_of_a_second(endpoint: Endpoint) -> None:
    wait_at(endpoint, 30)
    paced(endpoint, 100)
    Endpoint.objects.update(paced_until=ago(hours=1))
    assert len(claim(room=100)) == 11


def test_its_next_turn_is_as_much_later_as_were_sent(endpoint: Endpoint) -> None:
    wait_at(endpoint, 2)
    paced(endpoint, 2)
    (found,) = claim(lease=60.0)
    endpoint.refresh_from_db()
    claimed_at = Delivery.objects.get(pk=found.id).claimed_until - timedelta(seconds=60)
    assert endpoint.paced_until - claimed_at == timedelta(seconds=0.5 - BURST)


def test_many_at_once_share_one_pace(endpoint: Endpoint) -> None:
    wait_at(endpoint, 30)
    paced(endpoint, 1)
    began = time.monotonic()
    passed = sum(len(found) for found in at_once([claim] * 8))
    assert 1 <= passed <= 1 + BURST + time.monotonic() - began


def test_no_more_pass_than_have_room(endpoint: Endpoint) -> None:
    wait_at(endpoint, 8)
    paced(endpoint, 10_000)
    assert len(claim(rooms={str(endpoint.pk): 3})) == 3


# --- When to look again -------------------------------------------------------------------------------------------


def test_nothing_waits_at_any_gate(endpoint: Endpoint) -> None:
    wait_at(endpoint, 1)
    assert opening() is None


def test_a_gate_at_which_nothing_waits_is_no_reason_to_look_again(endpoint: Endpoint) -> None:
    opened(endpoint, probe_at=ahead(hours=1))
    make_delivery(endpoint, next_attempt_at=ahead(hours=1))
    assert opening() is None


@pytest.mark.parametrize("pace", [None, 1], ids=["without pace", "with pace"])
def test_the_first_gate_that_opens_is_when_to_look_again(endpoint: Endpoint, pace: int | None) -> None:
    later = make_endpoint(endpoint.organization)
    for waiting, seconds in ((endpoint, 5_000), (later, 50_000)):
        wait_at(waiting, 1)
        opened(waiting, probe_at=ahead(seconds=seconds))
    Endpoint.objects.update(max_per_second=pace, paced_until=ago(hours=1) if pace else None)
    assert 4_000 < opening() < 5_000


def test_the_sweep_does_not_ring_for_what_waits_at_a_gate(endpoint: Endpoint) -> None:
    wait_at(endpoint, 1)
    opened(endpoint, probe_at=ahead(hours=1))
    assert list(Endpoint.objects.with_work()) == []
    Endpoint.objects.update(probe_at=ago(seconds=1))
    assert list(Endpoint.objects.with_work()) == [endpoint]
    Endpoint.objects.update(max_per_second=1, paced_until=ahead(hours=1))
    assert list(Endpoint.objects.with_work()) == []

"""A delivery that kills the worker that sends it: it is given up after five times, and takes no other with it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.db import connection

from deliveries.models import Attempt, Delivery, Endpoint
from organizations.models import Organization
from tests.deliveries.engine_room import GOOD, claim, run_engine, settle_as
from tests.deliveries.leases import all_leases_end
from tests.deliveries.receiver import Conversation, answers, receiving
from tests.factories import ahead, make_delivery, make_endpoint, make_event

POISON = {"poison": True}


def workers_until_nothing_is_open() -> list[int]:
    """How each ended: 0, or minus the signal that killed it."""
    database = connection.settings_dict
    name, user, host = (quote(database[key], safe="") for key in ("NAME", "USER", "HOST"))
    url = f"postgresql://{user}:{quote(database['PASSWORD'])}@{host}:{database['PORT']}/{name}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.deliveries.doomed_workers"],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "triggers_project.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[int] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def endpoint(committed_organization: Organization) -> Iterator[Endpoint]:
    with receiving(answers(204)) as receiver:
        yield make_endpoint(committed_organization, url=receiver.url)


def test_what_kills_its_worker_is_given_up_and_the_others_arrive(endpoint: Endpoint) -> None:
    good = [make_delivery(endpoint) for _ in range(20)]
    poison = make_delivery(endpoint, event=make_event(endpoint.organization, payload=POISON))
    assert workers_until_nothing_is_open() == [-signal.SIGKILL] * 5 + [0]
    poison.refresh_from_db()
    assert (poison.status, poison.last_error) == (
        "dead_letter",
        "5 times in a row the worker that sent it died before it had an answer.",
    )
    assert list(Attempt.objects.filter(delivery=poison).values_list("number", "outcome")) == [(6, "lost")]
    statuses = Delivery.objects.filter(pk__in=[delivery.pk for delivery in good])
    assert set(statuses.values_list("status", flat=True)) == {"delivered"}


def test_giving_it_up_is_no_failure_of_its_endpoint(endpoint: Endpoint) -> None:
    make_delivery(endpoint, unsettled_claims=5)
    run_engine()
    endpoint.refresh_from_db()
    assert (endpoint.consecutive_failures, endpoint.last_failure_at) == (0, None)


def test_what_was_given_up_is_tried_again_when_it_is_replayed(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, unsettled_claims=5)
    run_engine()
    Delivery.objects.filter(pk=delivery.pk).replay()
    run_engine()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.unsettled_claims) == ("delivered", 0)


# --- Suspects -----------------------------------------------------------------------------------------------------


def test_from_the_second_lost_claim_on_it_is_a_suspect(endpoint: Endpoint) -> None:
    make_delivery(endpoint)
    found = []
    for _ in range(4):
        found.append((len(claim(suspects=True)), len(claim())))
        all_leases_end()
    assert found == [(0, 1), (0, 1), (1, 0), (1, 0)]


def test_a_claim_tells_how_many_were_lost_before_it(endpoint: Endpoint) -> None:
    make_delivery(endpoint, unsettled_claims=4)
    (found,) = claim(suspects=True)
    assert found.lost_claims == 4


def test_an_answer_clears_the_suspicion(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, unsettled_claims=3)
    (found,) = claim(suspects=True)
    settle_as(found, GOOD, "failed", 0.0)
    delivery.refresh_from_db()
    assert delivery.unsettled_claims == 0


@pytest.mark.parametrize(
    "fields",
    [{"state": "paused"}, {"circuit": "open"}, {"max_per_second": 1, "paced_until": ahead(days=1)}],
)
def test_a_suspect_waits_at_the_gate_of_its_endpoint(endpoint: Endpoint, fields: dict[str, object]) -> None:
    Endpoint.objects.update(probe_at=ahead(days=1) if "circuit" in fields else None, **fields)
    make_delivery(endpoint, unsettled_claims=3)
    assert claim(suspects=True) == []


def test_suspects_are_sent_one_at_a_time_and_the_others_meanwhile(
    committed_organization: Organization,
) -> None:
    under_way: list[str] = []
    seen: list[int] = []

    def counting(conversation: Conversation) -> None:
        under_way.append("one")
        seen.append(len(under_way))
        conversation.end.wait(0.05)
        under_way.pop()
        answers(204)(conversation)

    with receiving(answers(204)) as quick, receiving(counting) as slow:
        suspected = make_endpoint(committed_organization, url=slow.url)
        for _ in range(5):
            make_delivery(suspected, unsettled_claims=2)
        for _ in range(40):
            make_delivery(make_endpoint(committed_organization, url=quick.url))
        run_engine()
    assert seen == [1, 1, 1, 1, 1]
    assert len(quick.requests) == 40
    last = Delivery.objects.filter(endpoint=suspected).latest("settled_at")
    assert Delivery.objects.exclude(endpoint=suspected).latest("settled_at").settled_at < last.settled_at

"""A journey through a system that has grown: PgBouncer, a replica and TLS at once (`make flows SETUP=…` for more)."""

import pytest

from tests.flows.journey import Journey, until
from tests.flows.receiver import Receiver
from tests.flows.scrape import figure, scrape
from tests.flows.setups.pgbouncer import MISSING, there_is_pgbouncer
from triggers_project.local.stack import Stack

pytestmark = [
    pytest.mark.flow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not there_is_pgbouncer(), reason=MISSING),
]


@pytest.fixture
def journey(grown_stack: Stack, running_receiver: Receiver) -> Journey:
    grown_stack.wait_until_ready(timeout=90)
    return Journey(grown_stack, running_receiver)


def by_replica(stack: Stack) -> float:
    return figure(scrape(stack), "triggers_replica_reads_total")


def test_what_is_sent_arrives_and_what_is_acknowledged_is_gone(journey: Journey) -> None:
    posted = journey.post_mixed(200)
    assert len(posted.accepted) == 200
    event = journey.post()
    assert journey.call("GET", f"/api/events/{event}").status_code == 200
    journey.wait_for([*posted.accepted, event], timeout=60)
    for _ in range(10):
        waiting = [one["id"] for one in journey.call("GET", "/api/inbox", limit=5).json()["items"]]
        assert len(waiting) == 5
        assert journey.call("POST", "/api/ack", {"event_ids": waiting}).json()["acknowledged"] == 5
        left = journey.call("GET", "/api/inbox", limit=200).json()["items"]
        assert not {one["id"] for one in left} & set(waiting)
    journey.wait_until_settled(timeout=30)


def test_a_replica_answers_and_is_watched(journey: Journey, grown_stack: Stack) -> None:
    if "DATABASE_REPLICA_URL" not in grown_stack.environ:
        pytest.skip("the set-up has no replica")
    before = by_replica(grown_stack)

    def has_answered() -> bool:
        journey.call("GET", "/api/events")
        return by_replica(grown_stack) > before

    until(has_answered, timeout=30, what="the replica answers")
    assert figure(scrape(grown_stack), "triggers_replica_up") == 1
    assert figure(scrape(grown_stack), "triggers_replica_lag_seconds") < 5

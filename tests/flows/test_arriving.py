"""Everything that was accepted arrives, whatever dies on the way. FLOW_EVENTS says how many; 10000 is the full size."""

import logging
import os
import threading
import time
from collections import defaultdict

import pytest

from organizations.redis_servers import connect
from tests.flows.journey import Journey, until
from triggers_project.local.stack import Stack

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]

EVENTS = int(os.environ.get("FLOW_EVENTS", "2000"))
PATIENCE = 60 + EVENTS / 50  # seconds


def test_what_eight_clients_post_arrives_once_and_all_counts_agree(journey: Journey) -> None:
    began = time.monotonic()
    posted = journey.post_mixed(EVENTS)
    log.info("%d posted in %.1f s", EVENTS, time.monotonic() - began)

    assert posted.statuses == {202}
    assert len(set(posted.accepted)) == EVENTS
    journey.wait_for(posted.accepted, timeout=PATIENCE)
    arrivals = journey.arrivals()
    log.info("%d arrived within %.1f s of the first post", EVENTS, arrivals[-1].at - began)
    assert_all_agree(journey, posted.accepted)
    assert all(arrival.verified for arrival in arrivals)
    assert len(arrivals) == EVENTS


def test_nothing_is_lost_by_flushes_and_killed_workers(stack: Stack, journey: Journey) -> None:
    at_the_kills: set[str] = set()

    def harm(share: float, *, kill: bool) -> None:
        until(
            lambda: len(journey.receiver.delivered(journey.name)) >= EVENTS * share,
            timeout=PATIENCE,
            what="part",
        )
        with connect(stack.redis_url, 5) as store:
            store.flushall()
        if kill:
            stack.kill("worker")
            at_the_kills.update(in_flight(journey))

    def harm_four_times() -> None:
        harm(0.1, kill=False)
        harm(0.2, kill=True)
        harm(0.3, kill=True)
        harm(0.4, kill=False)

    harming = threading.Thread(target=harm_four_times)
    harming.start()
    posted = journey.post_mixed(EVENTS)
    harming.join()

    assert len(posted.accepted) == EVENTS
    journey.wait_for(posted.accepted, timeout=PATIENCE)
    assert_all_agree(journey, posted.accepted)
    repeated = assert_duplicates_only_among(journey, at_the_kills)
    log.info("%d in flight at the kills, %d of them arrived twice", len(at_the_kills), repeated)


def in_flight(journey: Journey) -> set[str]:
    """The deliveries whose lease runs: claimed, and not settled."""
    rows = journey.sql(
        "SELECT id::text FROM deliveries_delivery WHERE organization_id = %s AND claimed_until > now()",
        journey.organization_id,
    )
    return {row[0] for row in rows}


def assert_all_agree(journey: Journey, accepted: list[str]) -> None:
    """The receiver, the API and the database. A replica may show a status a moment later, and each delivery at once."""

    def delivered() -> list[tuple[int]]:
        counting = (
            "SELECT count(*) FROM deliveries_delivery WHERE organization_id = %s AND status = 'delivered'"
        )
        return journey.sql(counting, journey.organization_id)

    until(lambda: delivered() == [(len(accepted),)], timeout=60, what="the last answers are written down")
    assert {row["event_id"] for row in journey.all_deliveries()} == set(accepted)
    shown = lambda: [row["event_id"] for row in journey.all_deliveries() if row["status"] == "delivered"]  # noqa: E731
    until(lambda: sorted(shown()) == sorted(accepted), timeout=10, what="all are shown as delivered")
    assert journey.receiver.delivered(journey.name) == set(accepted)


def assert_duplicates_only_among(journey: Journey, at_the_kills: set[str]) -> int:
    """What came twice was in flight when a worker was killed, and each time was another claim. How many there are."""
    attempts = defaultdict(list)
    for arrival in journey.arrivals():
        attempts[arrival.delivery_id].append(arrival.attempt)
    repeated = {delivery for delivery, numbers in attempts.items() if len(numbers) > 1}
    assert repeated <= at_the_kills
    for delivery in repeated:
        assert len(set(attempts[delivery])) == len(attempts[delivery])
    return len(repeated)

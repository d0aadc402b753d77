"""PostgreSQL goes away and comes back while events come in: the web says so and heals, and nobody restarts anything.

FLOW_DATABASE_AWAY (seconds) makes it longer.
"""

import logging
import os
import time
from functools import partial

import pytest

from tests.flows.journey import Journey, until
from tests.flows.outages import main_processes
from triggers_project.local import postgres
from triggers_project.local.stack import Stack

AWAY = float(os.environ.get("FLOW_DATABASE_AWAY", "4"))  # seconds; longer than anybody waits for a connection

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]


def test_postgres_goes_away_and_comes_back(stack: Stack, journey: Journey) -> None:
    before = main_processes(stack, "web", "worker", "housekeeper", "beat")
    with journey.posting() as posted:
        until(journey.arrivals, timeout=20, what="the first arrival")
        stack.stop_program("postgres")
        gone = time.monotonic()
        until(lambda: time.monotonic() > gone + AWAY, timeout=AWAY + 5, what="PostgreSQL has been away")
        until(lambda: posted.since(gone), timeout=30, what="an answer while PostgreSQL is away")
        still_gone = time.monotonic()
        stack.start_program("postgres")
        until(partial(postgres.is_ready, stack.data_dir), timeout=30, what="PostgreSQL is back")
        back, accepted_before = time.monotonic(), len(posted.accepted)
        until(lambda: len(posted.accepted) > accepted_before, timeout=90, what="events are accepted again")
        accepting = time.monotonic() - back
        until(lambda: journey.arrivals()[-1].at > back, timeout=60, what="sending goes on")
        sending = time.monotonic() - back

    stack.wait_until_ready(timeout=60)
    after = main_processes(stack, *before)
    log.info(
        "back: accepting after %.1f s, sending after %.1f s, slowest answer %.1f s; restarted by supervision: %s",
        accepting,
        sending,
        posted.slowest,
        [name for name in before if before[name] != after[name]],
    )
    meanwhile = [reply for reply in posted.since(gone) if reply.made_at + reply.seconds < still_gone]
    assert {reply.status for reply in meanwhile} == {503}
    assert posted.statuses == {202, 503}
    assert not posted.broken
    assert all(int(reply.retry_after or 0) > 0 for reply in posted.replies if reply.status == 503)
    journey.wait_for(posted.accepted, timeout=60)

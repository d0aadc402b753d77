"""What the web answered with 202 is delivered, whatever becomes of the web then."""

import signal

import pytest

from organizations.redis_servers import connect
from tests.flows.journey import Journey, until
from triggers_project.local.processes import send, works_in
from triggers_project.local.stack import ROOT, Stack

pytestmark = pytest.mark.flow


def test_the_sweep_finds_an_event_whose_ring_was_lost(stack: Stack, journey: Journey) -> None:
    """The ring waits for a worker that is down, and is flushed away; the web that rang is killed."""
    stack.stop_program("worker")
    event_id = journey.post()
    stack.kill("web")
    with connect(stack.redis_url, 5) as store:
        store.flushall()
    stack.start_program("worker")

    journey.wait_for([event_id], timeout=60)


def test_a_killed_web_loses_nothing_of_what_it_accepted(stack: Stack, journey: Journey) -> None:
    """Its first process is killed; the others, which nobody would look after any more, end too."""
    killed = stack.pids("web")
    with journey.posting() as posted:
        until(lambda: len(posted.accepted) > 20, timeout=20, what="events are accepted")
        send(killed[:1], signal.SIGKILL)
        before = len(posted.accepted)
        until(lambda: len(posted.accepted) > before + 20, timeout=60, what="events are accepted again")
        until(lambda: not any(works_in(pid, ROOT) for pid in killed), timeout=20, what="none is left")

    assert posted.statuses == {202}
    journey.wait_for(posted.accepted, timeout=60)


def test_workers_that_are_still_starting_end_as_well(stack: Stack) -> None:
    before = set(stack.kill("web"))
    until(lambda: len(set(stack.pids("web")) - before) > 1, timeout=60, what="the next one has workers")
    starting = [pid for pid in stack.pids("web") if pid not in before]
    send(starting[:1], signal.SIGKILL)
    until(lambda: not any(works_in(pid, ROOT) for pid in starting), timeout=20, what="none is left")

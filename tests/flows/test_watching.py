"""What is served to Prometheus adds up over all processes, also the killed; faults show at the next scrape."""

import os
import re
import signal

import pytest

from tests.deploy.named import named
from tests.flows.journey import Journey, session, until
from tests.flows.outages import killed
from tests.flows.receiver import Receiver
from tests.flows.scrape import families, figure, scrape
from triggers_project.local.stack import ROOT, Stack

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

EVENTS = 300


@pytest.fixture
def four_ways(grown_stack: Stack, running_receiver: Receiver) -> Journey:
    """Through a system of four children that deliver, where nobody else is counted."""
    until_both_serve(grown_stack)
    return Journey(grown_stack, running_receiver)


def until_both_serve(stack: Stack) -> None:
    """One that answers is not enough: the other may be being replaced, and break connections."""
    stack.wait_until_ready(timeout=90)
    both = lambda: figure(scrape(stack), "triggers_web_workers") == 2  # noqa: E731
    until(both, timeout=60, what="both web workers serve")


COUNTED = {
    "accepted": ("triggers_events_accepted_total", {"tier": "enterprise"}),
    "delivered": ("triggers_deliveries_total", {"status": "delivered"}),
    "attempts": ("triggers_attempts_total", {"outcome": "delivered"}),
    "took": ("triggers_attempt_seconds_count", {}),
    "arrived after": ("triggers_accept_to_delivered_seconds_count", {}),
    "begun after": ("triggers_accept_to_first_attempt_seconds_count", {}),
}


def counts(stack: Stack) -> dict[str, float]:
    scraped = scrape(stack)
    return {what: figure(scraped, name, **labels) for what, (name, labels) in COUNTED.items()}


def more_than(before: dict[str, float], stack: Stack, expected: int) -> dict[str, float]:
    """What was counted since, once the attempts are counted: a moment after they are settled."""
    until(lambda: counts(stack)["took"] - before["took"] >= expected, timeout=20, what="attempts are counted")
    now = counts(stack)
    return {what: now[what] - before[what] for what in COUNTED}


def post(journey: Journey, count: int) -> None:
    answered = journey.post_mixed(count)
    assert len(answered.accepted) == count
    journey.wait_for(answered.accepted, timeout=60)
    journey.wait_until_settled(timeout=60)


def test_all_processes_add_up_also_after_one_was_killed(grown_stack: Stack, four_ways: Journey) -> None:
    stack, journey = grown_stack, four_ways
    until(lambda: len(stack.pids("worker")) >= 5, timeout=60, what="four children")
    before = counts(stack)
    post(journey, EVENTS)
    assert more_than(before, stack, EVENTS) == dict.fromkeys(COUNTED, EVENTS)

    for program in ("web", "worker"):
        victim = stack.pids(program)[-1]
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in stack.pids(program), timeout=10, what=f"{victim} is gone")  # noqa: B023
    assert more_than(before, stack, EVENTS) == dict.fromkeys(COUNTED, EVENTS)
    until_both_serve(stack)
    post(journey, EVENTS)
    assert more_than(before, stack, 2 * EVENTS) == dict.fromkeys(COUNTED, 2 * EVENTS)


def test_gauges_of_a_killed_child_vanish(grown_stack: Stack, four_ways: Journey) -> None:
    stack, journey = grown_stack, four_ways
    journey.receiver.behave(journey.name, delay=2.0)
    journey.post_mixed(20)
    until(
        lambda: figure(scrape(stack), "triggers_sends_in_flight") > 0, timeout=20, what="some are in flight"
    )
    with killed(stack, "worker"):
        none = lambda: figure(scrape(stack), "triggers_sends_in_flight") == 0  # noqa: E731
        until(none, timeout=10, what="the gauges of the killed are gone")
    journey.receiver.behave(journey.name)
    journey.wait_until_settled(timeout=90)


def test_a_database_that_is_down_shows_at_the_next_scrape(stack: Stack) -> None:
    assert figure(scrape(stack), "triggers_database_up") == 1
    with killed(stack, "postgres"):
        scraped = scrape(stack)
        assert figure(scraped, "triggers_database_up") == 0
        assert figure(scraped, "triggers_redis_up") == 1
    until(lambda: figure(scrape(stack), "triggers_database_up") == 1, timeout=60, what="it is up again")


def test_a_redis_that_is_down_shows_at_the_next_scrape(stack: Stack) -> None:
    with killed(stack, "valkey"):
        scraped = scrape(stack)
        assert figure(scraped, "triggers_redis_up") == 0
        assert figure(scraped, "triggers_database_up") == 1


def test_workers_that_were_stopped_show_at_the_next_scrape(stack: Stack) -> None:
    def alive(role: str) -> float:
        return figure(scrape(stack), "triggers_workers", role=role, state="alive")

    until(lambda: alive("deliveries") == 1, timeout=30, what="the worker is heard of")
    stack.stop_program("worker")
    try:
        assert alive("deliveries") == 0
        assert alive("housekeeping") == 1
    finally:
        stack.start_program("worker")


def test_what_stays_undelivered_shows_at_the_next_scrape(grown_stack: Stack, four_ways: Journey) -> None:
    stack, journey = grown_stack, four_ways
    before = figure(scrape(stack), "triggers_dead_letters")
    journey.receiver.behave(journey.name, status=500)
    journey.post()
    journey.wait_until_settled(timeout=60)
    scraped = scrape(stack)
    assert figure(scraped, "triggers_dead_letters") == before + 1
    assert figure(scraped, "triggers_attempts_total", outcome="rejected") >= 5
    journey.receiver.behave(journey.name)


def test_a_paused_endpoint_holds_its_backlog(grown_stack: Stack, four_ways: Journey) -> None:
    stack, journey = grown_stack, four_ways
    journey.call("POST", f"/api/endpoints/{journey.endpoint_id}/pause")
    journey.post()
    scraped = scrape(stack)
    assert figure(scraped, "triggers_backlog", state="held") == 1
    assert figure(scraped, "triggers_endpoints", state="paused") == 1
    assert figure(scraped, "triggers_oldest_due_seconds") == 0
    journey.call("POST", f"/api/endpoints/{journey.endpoint_id}/resume")
    journey.wait_until_settled(timeout=30)


@pytest.fixture
def lively(stack: Stack, journey: Journey) -> Stack:
    """A system in which everything has happened that is counted."""
    journey.receiver.behave(journey.name, status=500)
    event = journey.post()
    journey.call("POST", f"/api/events/{event}/replay")
    journey.wait_until_settled(timeout=60)
    # Only PostgreSQL knows that it can't store a number of so many digits.
    refused = '{"type": "flow.event", "payload": %s}' % ("1" * 131_073)
    with session() as http:
        headers = {"X-API-Key": journey.key, "Content-Type": "application/json"}
        answer = http.post(f"{stack.url}/api/events", data=refused, headers=headers, timeout=30)
        assert answer.status_code == 422
        http.post(f"{stack.url}/admin/login/", timeout=30)
    return stack


def test_what_dashboard_rules_and_documentation_name_is_served(lively: Stack) -> None:
    assert named() - served(lively) <= WITH_A_REPLICA
    documented = set(re.findall(r"^\| `(triggers_\w+)`", OPERATIONS.read_text(), re.MULTILINE))
    ours = {name for name in families_of(lively) if name.startswith("triggers_")}
    assert documented - ours <= NOT_EVERYWHERE
    assert documented >= ours | NOT_EVERYWHERE


WITH_A_REPLICA = {
    "triggers_replica_up",
    "triggers_replica_lag_seconds",
}  # shown by test_replica.py, test_grown.py
NOT_EVERYWHERE = {
    "triggers_tenant_events_accepted_total",
    "triggers_tenant_deliveries_total",
    *WITH_A_REPLICA,
}
OPERATIONS = ROOT / "docs/operations.md"


def served(stack: Stack) -> set[str]:
    """Names of samples."""
    return {name for name, _ in scrape(stack)}


def families_of(stack: Stack) -> set[str]:
    """Names as the documentation has them: of a histogram without `_bucket`, of a counter with `_total`."""
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in families(stack)}

"""One running system for all journeys. A journey may break any part of it; before the next all of it is ready."""

from collections.abc import Iterator

import pytest
from _pytest.runner import CallInfo

from tests.flows.accepting import Prober
from tests.flows.collector import Collector
from tests.flows.journey import Journey
from tests.flows.receiver import Receiver
from tests.flows.setups.pgbouncer import there_is_pgbouncer
from tests.flows.system import SETUP, started
from triggers_project.local.stack import Stack


@pytest.fixture(scope="session")
def running_collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def running_stack(running_collector: Collector) -> Iterator[Stack]:
    """Of its traces only those are told that a caller asks for."""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": running_collector.url,
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with started(fast=True, **environ) as stack:
        yield stack


@pytest.fixture(scope="session")
def grown_stack() -> Iterator[Stack]:
    """Another system, with two web workers and four children that deliver; where there is a PgBouncer it stands on all
    that `setups/grown.py` has."""
    setup = SETUP or ("grown" if there_is_pgbouncer() else "")
    with started(fast=True, setup=setup, WEB_WORKERS="2", DELIVERY_WORKERS="4") as stack:
        stack.wait_until_ready(timeout=90)
        yield stack


@pytest.fixture(scope="session")
def running_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def prober(running_stack: Stack) -> Prober:
    running_stack.wait_until_ready(timeout=90)
    return Prober(running_stack)


@pytest.fixture
def stack(running_stack: Stack, prober: Prober) -> Stack:
    running_stack.wait_until_ready(timeout=90)
    prober.wait()
    return running_stack


@pytest.fixture
def journey(stack: Stack, running_receiver: Receiver) -> Journey:
    """A tenant of the test's own."""
    return Journey(stack, running_receiver)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The journeys through one running system go to one process of pytest-xdist."""
    for item in items:
        for system in ("running_stack", "grown_stack"):
            if system in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(system))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: CallInfo) -> Iterator[None]:
    """A journey that fails shows the last lines of each program's log: the logs are thrown away."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack is not None:
        for path in sorted(stack.logs.glob("*.log")):
            lines = stack.last_lines(path.stem).splitlines()
            report.sections.append((path.name, "\n".join(line[:300] for line in lines)))
    return report

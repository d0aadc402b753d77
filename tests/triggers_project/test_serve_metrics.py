import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deliveries.heartbeat import beat, beat_of_worker
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_organization
from tests.flows.journey import until
from triggers_project.exporter.ended import AllProcesses
from triggers_project.exporter.figures import DatabaseFigures, Life, ReplicaFigures
from triggers_project.local.embedded import free_port
from triggers_project.local.probe import answers_ok
from triggers_project.local.stack import ROOT
from triggers_project.management.commands.serve_metrics import collectors


def figures(collector: DatabaseFigures | Life) -> dict[tuple[str, ...], float]:
    """Each sample: (name, *labels) -> value."""
    samples = [sample for metric in collector.collect() for sample in metric.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


NOTHING = {
    ("triggers_backlog", "due"): 0.0,
    ("triggers_backlog", "held"): 0.0,
    ("triggers_backlog", "waiting"): 0.0,
    ("triggers_backlog_is_more",): 0.0,
    ("triggers_dead_letters",): 0.0,
    ("triggers_endpoints", "enabled"): 0.0,
    ("triggers_endpoints", "paused"): 0.0,
    ("triggers_endpoints", "disabled"): 0.0,
    ("triggers_endpoints", "circuit_open"): 0.0,
    ("triggers_oldest_due_seconds",): 0.0,
    ("triggers_database_up",): 1.0,
}


def test_what_only_the_database_knows(committed: None) -> None:
    acme = make_organization()
    endpoint, paused = make_endpoint(acme), make_endpoint(acme, state="paused")
    for fields in (
        {"next_attempt_at": ago(seconds=100)},
        {"status": "failed", "next_attempt_at": ahead(seconds=100)},
        {"status": "failed", "next_attempt_at": ahead(seconds=200)},
        {"status": "dead_letter"},
        {"status": "delivered"},
    ):
        make_delivery(endpoint, **fields)
    make_delivery(paused, next_attempt_at=ago(seconds=1000))
    found = figures(DatabaseFigures())
    assert 99 <= found.pop(("triggers_oldest_due_seconds",)) < 110
    expected = {
        **NOTHING,
        ("triggers_backlog", "due"): 1.0,
        ("triggers_backlog", "held"): 1.0,
        ("triggers_backlog", "waiting"): 2.0,
        ("triggers_dead_letters",): 1.0,
        ("triggers_endpoints", "enabled"): 1.0,
        ("triggers_endpoints", "paused"): 1.0,
    }
    del expected["triggers_oldest_due_seconds",]
    assert found == expected


def test_an_empty_database_has_figures(committed: None) -> None:
    assert figures(DatabaseFigures()) == NOTHING


@pytest.mark.usefixtures("no_database")
def test_without_database_it_says_so_and_nothing_else() -> None:
    assert figures(DatabaseFigures()) == {("triggers_database_up",): 0.0}


def test_whoever_was_heard_of_is_alive() -> None:

    beat()
    beat_of_worker("deliveries@here")
    found = figures(Life())
    assert found[("triggers_redis_up",)] == found[("triggers_scheduler_up",)] == 1.0
    assert found[("triggers_workers", "deliveries", "alive")] == 1.0
    assert found[("triggers_workers", "housekeeping", "alive")] == 0.0


@pytest.mark.usefixtures("no_redis")
def test_without_redis_it_is_not_known_who_is_alive() -> None:
    found = figures(Life())
    assert {name for name, *_ in found} == {"triggers_redis_up", "triggers_build_info"}
    assert found[("triggers_redis_up",)] == 0.0


def test_an_exporter_of_counts_only_looks_nothing_up(tmp_path: Path) -> None:
    counts = AllProcesses(tmp_path)
    assert collectors(counts, counts_only=True) == [counts]
    assert [type(one) for one in collectors(counts, counts_only=False)] == [
        AllProcesses,
        DatabaseFigures,
        ReplicaFigures,
        Life,
    ]


def test_without_counts_an_exporter_of_counts_only_does_not_start() -> None:
    with pytest.raises(CommandError, match="PROMETHEUS_MULTIPROC_DIR is not set"):
        call_command("serve_metrics", counts_only=True)


def test_it_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    """The first process of a container has to answer SIGTERM itself: the kernel does nothing for it."""
    port = free_port()
    environ = {**os.environ, "METRICS_PORT": str(port), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", "serve_metrics", "--counts-only"]
    with subprocess.Popen(command, cwd=ROOT, env=environ) as exporter:
        until(lambda: answers_ok(f"http://127.0.0.1:{port}/metrics"), timeout=30, what="it serves")
        exporter.terminate()
        assert exporter.wait(timeout=10) == 0

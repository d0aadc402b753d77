"""Counting in processes that come and go: nothing is lost, nothing counted twice, no file is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from triggers_project.exporter import process_files
from triggers_project.exporter.ended import AllProcesses
from triggers_project.local.stack import ROOT

# Counts what it reads from stdin, line by line, and says when it has; `fork` goes on in a child.
COUNTS = """
import os, sys
from triggers_project.exporter.process_files import count_by_process
count_by_process()
from prometheus_client import Counter, Gauge, Histogram
counter = Counter("c", "Counted.", ["what"])
seconds = Histogram("s", "Seconds.", buckets=[1, 5])
flying = Gauge("g", "Now.", multiprocess_mode="livesum")
for line in sys.stdin:
    if line == "fork\\n":
        if child := os.fork():
            print(child, flush=True)
            os.waitpid(child, 0)
            os._exit(0)
        continue
    counter.labels("a").inc(int(line))
    seconds.observe(int(line))
    flying.set(int(line))
    print("counted", flush=True)
"""


class Process:
    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", COUNTS],
            cwd=ROOT,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, number: int) -> None:
        self._say(f"{number}\n")
        assert self._process.stdout.readline() == "counted\n"

    def fork(self) -> int:
        """From now on its child counts, whose process id this is."""
        self._say("fork\n")
        return int(self._process.stdout.readline())

    def _say(self, line: str) -> None:
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(process_files._Mine, "pid", 0)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[], Process]]:
    with ExitStack() as started:

        def start() -> Process:
            process = Process(folder)
            started.callback(process.kill)
            return process

        yield start


def figures(folder: Path) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(AllProcesses(folder))
    found = {"c_total": {"what": "a"}, "s_count": {}, "s_sum": {}, "g": {}}
    return {
        name: value
        for name, labels in found.items()
        if (value := registry.get_sample_value(name, labels)) is not None
    }


def test_a_killed_process_keeps_its_counts_and_loses_its_gauges(
    folder: Path, start: Callable[[], Process]
) -> None:
    first, second = start(), start()
    first.count(3)
    second.count(4)
    assert figures(folder) == {"c_total": 7, "s_count": 2, "s_sum": 7, "g": 7}
    first.kill()
    for _ in range(2):
        assert figures(folder) == {"c_total": 7, "s_count": 2, "s_sum": 7, "g": 4}
    second.count(1)
    assert figures(folder)["c_total"] == 8


def test_a_forked_child_counts_for_itself_and_is_not_taken_for_its_parent(
    folder: Path, start: Callable[[], Process]
) -> None:
    parent = start()
    parent.count(1)
    child = parent.fork()
    parent.count(2)
    assert figures(folder) == {"c_total": 3, "s_count": 2, "s_sum": 3, "g": 3}
    os.kill(child, signal.SIGKILL)
    parent._process.wait(10)
    assert figures(folder) == {"c_total": 3, "s_count": 2, "s_sum": 3}


def test_files_of_the_dead_do_not_pile_up(folder: Path, start: Callable[[], Process]) -> None:
    for number in range(5):
        process = start()
        process.count(1)
        process.kill()
        assert figures(folder)["c_total"] == number + 1
    ours = process_files.process_name()
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == sorted(
        ["counter_ended.db", "histogram_ended.db", "exporter.lock", "folded", f"{ours}.alive"]
    )


@pytest.mark.parametrize("step", ["_add_up", "Path.rename", "Path.unlink", "shutil.rmtree"])
def test_an_exporter_that_is_killed_in_the_middle_counts_nothing_twice_and_loses_nothing(
    folder: Path, start: Callable[[], Process], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (3, 4):
        process = start()
        process.count(number)
        process.kill()
        with monkeypatch.context() as broken, suppress(InterruptedError):  # not every fold needs every step
            broken.setattr(f"triggers_project.exporter.ended.{step}", killed)
            figures(folder)
    assert figures(folder) == {"c_total": 7, "s_count": 2, "s_sum": 7}


def killed(*_: object, **__: object) -> None:
    raise InterruptedError


def test_without_the_folder_each_process_counts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    before = process_files.values.ValueClass
    process_files.count_by_process()
    assert process_files.values.ValueClass is before


def test_a_file_that_is_just_being_made_is_passed_over(folder: Path, start: Callable[[], Process]) -> None:
    living, killed = start(), start()
    living.count(3)
    killed.count(4)
    (folder / "counter_0123.db").touch()
    (folder / "0123.alive").touch()  # whose process has ended
    killed.kill()
    (folder / "counter_4567.db").touch()

    assert figures(folder) == {"c_total": 7, "s_count": 2, "s_sum": 7, "g": 3}

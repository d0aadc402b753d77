"""A pytest plugin (`-p tests.leaks.plugin`): after all tests, what they made the product say is searched for the
secrets that they used. One that stands where it may not fails the run.

Each process of pytest-xdist searches what it saw; the one that started them tells.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import prometheus_client
import pytest

from tests.leaks.allowed import may_show, published
from tests.leaks.produced import PRODUCED, keep, keep_log_file
from tests.leaks.search import Output, find_leaks
from tests.leaks.used import USED

MOST_SAID = 30

_told: list[str] = []
_figures: list[str] = []


def listens(config: pytest.Config) -> bool:
    """Whether tests run in this process: not in the one that starts those of pytest-xdist."""
    return not config.option.collectonly and not getattr(config.option, "numprocesses", None)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """After pytest-django has read the settings, before a test module is imported."""
    if listens(config):
        from tests.leaks.taps import open_taps  # which needs the settings

        open_taps()


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if listens(session.config):
        search()
    if output is not None:
        output["leaks"], output["leak_figures"] = _told, _figures
    elif _told and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def search() -> None:
    keep("the metrics", prometheus_client.generate_latest().decode(), where="of the tests' process")
    for path in Path(os.environ.get("DATA_DIR", os.devnull)).glob("*.log"):  # of the tests' own servers
        keep_log_file(path)
    began = time.monotonic()
    leaks = find_leaks(USED, PRODUCED.values(), may_show=may_show, published=published())
    _told.extend(sorted({str(leak) for leak in leaks}))
    seconds = time.monotonic() - began
    _figures.append(f"{len(USED):,} secrets looked for in {figures_of(PRODUCED.values())}: {seconds:.1f} s")


def figures_of(outputs: Iterable[Output]) -> str:
    channels = Counter(output.channel.removeprefix("the ").removeprefix("a ") for output in outputs)
    return ", ".join(f"{channel} ×{number:,}" for channel, number in sorted(channels.items()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of pytest-xdist has ended. One that crashed has said nothing, and has failed the run by that."""
    said = getattr(node, "workeroutput", {})
    _told.extend(said.get("leaks", ()))
    _figures.extend(said.get("leak_figures", ()))


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: Any) -> Iterator[None]:
    yield
    for figures in _figures:
        terminalreporter.write_line(f"leaks: {figures}")
    if _told:
        terminalreporter.section("secrets that are shown where they may not be", red=True, bold=True)
        for words in _told[:MOST_SAID]:
            terminalreporter.write_line(words)
        if len(_told) > MOST_SAID:
            terminalreporter.write_line(f"… and {len(_told) - MOST_SAID} more")
        terminalreporter.write_line(
            "Where a secret is meant to be shown is listed in tests/leaks/allowed.py."
        )

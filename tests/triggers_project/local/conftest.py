"""Fixtures for what runs servers and programs of its own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.leaks.data_folder import keep_data_folder
from triggers_project.local.program import Program
from triggers_project.local.throw_away import throw_away_data


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder, which root's PostgreSQL gets into, unlike pytest's own temporary folders."""
    with throw_away_data("triggers-test-") as folder:
        folder.mkdir()
        yield folder
        keep_data_folder(folder)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Program]:
    """Makes a program of some lines of Python, in which `write(words)` adds a line to the file `journal`."""

    def make(name: str, source: str, **more: object) -> Program:
        path = tmp_path / f"{name}.py"
        journal = tmp_path / "journal"
        path.write_text(f"def write(words):\n    print(words, file=open({str(journal)!r}, 'a'))\n{source}\n")
        return Program(name=name, argv=(sys.executable, str(path)), **more)  # type: ignore[arg-type]

    return make

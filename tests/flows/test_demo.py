"""`make demo` as a newcomer runs it: it shows what it says, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.flows.journey import until
from triggers_project.local import processes
from triggers_project.local.demo import __main__ as demo_main
from triggers_project.local.demo.receiver import Receiver
from triggers_project.local.demo.system import Place
from triggers_project.local.embedded import private_dir
from triggers_project.local.stack import INHERITED, ROOT, Stack

pytestmark = [pytest.mark.flow, pytest.mark.timeout(240)]

TRICKY = [
    {"type": "own.numbers", "payload": [0.1, 1e-7, 12345678901234567890, -0.0, 1, True, None, "1"]},
    {"type": "own.words", "payload": {"emoji": "🙂", "quote": '"', "tab": "\t", "empty": "", "": {}}},
    {"type": "own.list", "payload": []},
]


class Demo:
    """The guided tour as a process of its own, whose temporary files go to a folder of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-m", "triggers_project.local.demo", *arguments],
            cwd=ROOT,
            env={**inherited, "TMPDIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        with self.start(*arguments) as process:
            said, _ = process.communicate()
        return process.returncode, said

    def data_dir(self) -> Path:
        """While it runs."""
        return next(self.folder.iterdir()) / "data"


@pytest.fixture
def demo() -> Iterator[Demo]:
    """Not in pytest's own folder, which root's PostgreSQL can't enter."""
    with tempfile.TemporaryDirectory(prefix="triggers-test-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        yield Demo(folder)


def test_the_tour_shows_what_it_tells(demo: Demo) -> None:
    code, said = demo.run()

    assert code == 0, said
    assert "it arrived with the third attempt" in said
    assert "after 5 attempts it is a dead letter" in said
    assert "409 duplicate_event" in said
    assert "1,000 accepted; 1,000 different ones arrived" in said
    assert "acknowledged, and so out of the inbox" in said
    assert "All was as told" in said
    assert "\033" not in said  # plain when piped
    assert list(demo.folder.iterdir()) == []


def test_events_of_ones_own_arrive_equal(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the system of all journeys: that one of its own is started and thrown away, the tour has shown."""
    file = tmp_path / "own.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in TRICKY))
    monkeypatch.setattr(sys, "argv", ["demo", "--events", str(file)])

    with Receiver() as receiver:
        monkeypatch.setattr(demo_main, "place", lambda screen: nullcontext(Place(screen, stack, receiver)))
        code = demo_main.main()

    said = capsys.readouterr().out
    assert code == 0, said
    assert "3 different ones arrived, each signature verified" in said
    assert "each is equal" in said


@pytest.mark.parametrize(
    "line",
    ['{"type": "no spaces", "payload": 1}', '{"type": "own"}', "{", r'{"type":"a","payload":"\u0000"}'],
)
def test_a_bad_line_is_named_and_nothing_is_started(demo: Demo, tmp_path: Path, line: str) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(f'{{"type": "own.good", "payload": 1}}\n\n{line}\n')

    code, said = demo.run("--events", str(file))

    assert code == 2
    assert said.startswith(f"make demo: {file}, line 3: ")
    assert len(said.splitlines()) == 1


def test_ctrl_c_ends_it_without_a_trace(demo: Demo) -> None:
    with demo.start() as process:
        until(lambda: "tables" in process.stdout.readline(), timeout=120, what="it is starting its programs")
        data_dir = demo.data_dir()
        assert processes.marked("DATA_DIR", str(data_dir))

        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.endswith("ended; nothing is left of it.\n")
    assert processes.marked("DATA_DIR", str(data_dir)) == []
    assert list(demo.folder.iterdir()) == []
    assert not private_dir(data_dir).exists()

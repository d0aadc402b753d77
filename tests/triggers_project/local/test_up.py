"""`make up`, as a person meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.triggers_project.local.test_stack import of
from triggers_project.local.embedded import free_port
from triggers_project.local.stack import INHERITED, ROOT


def environ(data_dir: Path, **more: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    ports = {"PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    return {**inherited, **ports, "DATA_DIR": str(data_dir), "BCRYPT_ROUNDS": "4", **more}


UP = [sys.executable, "-m", "triggers_project.local.up"]


@contextmanager
def up(data_dir: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """It runs, and has said so."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            UP, cwd=ROOT, env=environ(data_dir), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        try:
            until_said(log, "Ctrl-C ends it")
            yield process
        finally:
            process.kill()


def until_said(log: Path, words: str, seconds: float = 90) -> str:
    deadline = time.monotonic() + seconds
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return log.read_text()


def refused(data_dir: Path, **more: str) -> str:
    """What it says when it does not start."""
    done = subprocess.run(UP, cwd=ROOT, env=environ(data_dir, **more), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.timeout(300)
def test_from_the_first_start_to_the_second(data_dir: Path, tmp_path: Path) -> None:
    with up(data_dir, tmp_path / "first") as process:
        command = next(line for line in (tmp_path / "first").read_text().splitlines() if "curl -i" in line)
        answer = subprocess.run(command, shell=True, capture_output=True, text=True)  # noqa: S602  (what a person types)
        assert answer.stdout.startswith("HTTP/1.1 202 Accepted"), answer.stderr
        event = json.loads(answer.stdout.splitlines()[-1])["id"]
        until_said(tmp_path / "first", f"received order.created {event} (attempt 1, signature verified)")
        assert refused(data_dir).startswith(
            f"make up: Triggers already runs on {data_dir} (process {process.pid})"
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    said = (tmp_path / "first").read_text()
    assert said.endswith("stopped; the data is kept.\n")
    assert of(data_dir) == []

    with up(data_dir, tmp_path / "second") as process:
        assert command.partition("'X-API-Key")[2] in (tmp_path / "second").read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert of(data_dir) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "eighty", "PORT='eighty' is not a whole number"),
        ("DATABASE_URL", "mysql://me:geheim@host/mine", "DATABASE_URL does not start with postgresql://"),
        ("DATA_DIR", "/dev/null/data", "the data folder can't be used: Not a directory: /dev/null/data"),
    ],
)
def test_a_bad_value_is_said_in_one_line(data_dir: Path, name: str, value: str, words: str) -> None:
    said = refused(data_dir, **{name: value})
    assert said.startswith(f"make up: {words}")
    assert said.count("\n") == 1


def test_an_unreachable_database_is_said_in_one_line(data_dir: Path, closed_port: int) -> None:
    said = refused(data_dir, DATABASE_URL=f"postgresql://me:geheim@127.0.0.1:{closed_port}/mine")
    assert said.startswith("make up: no PostgreSQL at postgresql://me:***@127.0.0.1")
    assert said.count("\n") == 1


def test_a_taken_port_is_said_in_one_line(data_dir: Path) -> None:
    taken = int(os.environ["REDIS_URL"].rpartition(":")[2].partition("/")[0])
    assert refused(data_dir, PORT=str(taken)) == f"make up: port {taken} is taken; set PORT=… to another.\n"

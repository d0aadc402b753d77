"""A whole system: it comes up, heals, and ends without a trace."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

from triggers_project.local.embedded import free_port
from triggers_project.local.program import Program
from triggers_project.local.sole_use import AlreadyRunning
from triggers_project.local.stack import ROOT, Stack, StackError


@contextmanager
def stack(data_dir: Path, **options: Any) -> Iterator[Stack]:
    ports = {"port": free_port(), "metrics_port": free_port()}
    with Stack(data_dir, **{"fast": True, **ports, **options}) as running:
        yield running


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def of(data_dir: Path) -> list[str]:
    """The processes that are at work in the data folder, or were told of it. Valkey rewrites its command line."""
    return [
        process.info["name"]
        for process in psutil.process_iter(["name", "cmdline", "cwd", "status"])
        if any(
            str(data_dir) in word for word in [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
        )
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def connects(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_its_servers_answer_at_its_urls_and_end_with_it(data_dir: Path) -> None:
    with stack(data_dir) as running:
        running.start_servers()
        assert connects(running.database_url)
        with redis.Redis.from_url(running.redis_url) as client:
            assert client.ping()
        assert {"python", "postgres", "valkey-server"} <= set(of(data_dir))
    assert of(data_dir) == []
    assert not connects(running.database_url)


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_server_that_is_killed_comes_back(data_dir: Path, name: str) -> None:
    with stack(data_dir) as running:
        running.start_servers()
        (killed, *_) = running.kill(name)
        until(lambda: (pids := running.pids(name)) and pids[0] != killed)
        until(lambda: connects(running.database_url))


def test_servers_that_are_named_are_not_started(data_dir: Path) -> None:
    named = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    with stack(data_dir, environ=named) as running:
        running.start_servers()
        assert (running.database_url, running.redis_url) == (named["DATABASE_URL"], named["REDIS_URL"])
        assert not (data_dir / "postgres").exists()
        assert not (data_dir / "valkey").exists()


def test_a_second_one_on_the_same_data_is_refused(data_dir: Path) -> None:
    with stack(data_dir), pytest.raises(AlreadyRunning, match=rf"on {data_dir} \(process {os.getpid()}\)"):
        Stack(data_dir, port=1, metrics_port=2).__enter__()
    with stack(data_dir):
        """It is free again."""


def test_its_programs_know_nothing_of_what_is_exported(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "3")
    running = Stack(data_dir, port=1, metrics_port=2, environ={"LOG_LEVEL": "DEBUG"})
    product = {
        name: running.environ.get(name) for name in ("RETENTION_DAYS", "LOG_LEVEL", "DATABASE_URL", "PORT")
    }
    assert product == {"RETENTION_DAYS": None, "LOG_LEVEL": "DEBUG", "DATABASE_URL": None, "PORT": "1"}


def test_an_error_in_the_block_ends_it_all_the_same(data_dir: Path) -> None:
    def fail() -> None:
        with stack(data_dir) as running:
            running.start_servers()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert of(data_dir) == []


def test_a_program_that_does_not_start_is_named_with_its_last_words(data_dir: Path) -> None:
    words = "import sys, time; time.sleep(0.1); sys.exit('the sky is falling')"
    with stack(
        data_dir, environ={"DATABASE_URL": "postgresql://none", "REDIS_URL": "redis://none"}
    ) as running:
        running._apps = [Program(name="web", argv=(sys.executable, "-c", words))]
        running.start_servers()
        running.start_apps()
        with pytest.raises(StackError, match=r"^web does not start:\n(.*\n)*the sky is falling"):
            running.wait_until_ready(timeout=30)


def test_a_command_that_fails_is_said_with_its_last_line(data_dir: Path) -> None:
    running = Stack(data_dir, port=1, metrics_port=2, environ={"PORT": "1", "LOG_LEVEL": "LOUD"})
    with pytest.raises(
        StackError, match=r"^manage.py check failed: .*LOG_LEVEL='LOUD' is not one of [^\n]*$"
    ):
        running.manage("check")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_when_its_process_is_asked_to(data_dir: Path, number: signal.Signals) -> None:
    source = f"""
import pathlib, time
from triggers_project.local.stack import Stack
with Stack(pathlib.Path({str(data_dir)!r}), port=1, metrics_port=2, fast=True) as stack:
    stack.start_servers()
    print("up", flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", source]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait(60) != 0
    assert of(data_dir) == []

"""What can go wrong with a running system, one fault a function: each is over when its function returns."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import psycopg

from organizations.redis_servers import connect
from tests.flows.outages import killed
from triggers_project.local import processes
from triggers_project.local.stack import ROOT, Stack

Fault = Callable[[Stack, float], None]


def redis_flushed(stack: Stack, _: float) -> None:
    with connect(stack.redis_url, 5) as store:
        store.flushall()


def redis_killed(stack: Stack, _: float) -> None:
    stack.kill("valkey")


def redis_away(stack: Stack, seconds: float) -> None:
    with killed(stack, "valkey"):
        time.sleep(2 * seconds)


def postgres_restarted(stack: Stack, _: float) -> None:
    stack.stop_program("postgres")
    stack.start_program("postgres")


def postgres_away(stack: Stack, seconds: float) -> None:
    with killed(stack, "postgres"):
        time.sleep(seconds)


def web_killed(stack: Stack, _: float) -> None:
    stack.kill("web")


def worker_killed(stack: Stack, _: float) -> None:
    stack.kill("worker")


def worker_asked_to_end(stack: Stack, _: float) -> None:
    processes.send(stack.pids("worker")[:1], signal.SIGTERM)


def housekeeper_killed(stack: Stack, _: float) -> None:
    stack.kill("housekeeper")


def beat_killed(stack: Stack, _: float) -> None:
    stack.kill("beat")


def two_beats(stack: Stack, seconds: float) -> None:
    argv = [sys.executable, "-m", "celery", "--quiet", "-A", "triggers_project", "beat"]
    second = subprocess.Popen(
        [*argv, "--pidfile="],
        cwd=ROOT,
        env=stack.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(2 + seconds)
    second.kill()
    second.wait(30)


def no_connection_left(stack: Stack, seconds: float) -> None:
    """Somebody else takes every connection that PostgreSQL has left."""
    with ExitStack() as held:
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            try:
                held.enter_context(psycopg.connect(stack.database_url))
            except psycopg.OperationalError:
                time.sleep(0.05)


FAULTS: list[Fault] = [
    redis_flushed,
    redis_killed,
    redis_away,
    postgres_restarted,
    postgres_away,
    web_killed,
    worker_killed,
    worker_asked_to_end,
    housekeeper_killed,
    beat_killed,
    two_beats,
    no_connection_left,
]

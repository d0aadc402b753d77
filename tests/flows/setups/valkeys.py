"""Valkeys of a set-up: the embedded one's binary, on loopback, each with a folder and a log of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import redis

from tests.servers import running
from triggers_project.local import wheels
from triggers_project.local.embedded import free_port
from triggers_project.local.program import Program

HOST = "127.0.0.1"
PASSWORD = "a word/of the@test"  # which has to be quoted in a URL
QUOTED = "a%20word%2Fof%20the%40test"
# Nothing is written, but by who follows another.
IN_MEMORY = (f'requirepass "{PASSWORD}"', f'primaryauth "{PASSWORD}"', "appendonly no", 'save ""')


@contextmanager
def valkey(
    folder: Path, port: int, *settings: str, sentinel: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """One that answers, with these lines of settings. It may end before the block does."""
    folder.mkdir(parents=True)
    path = folder / "valkey.conf"
    path.write_text("\n".join([f"bind {HOST}", f"port {port}", f'dir "{folder}"', *settings, ""]))
    argv = (str(wheels.valkey_server()), str(path), *(["--sentinel"] if sentinel else []))
    with running(Program(name=folder.name, argv=argv), partial(answers, port), log=folder / "log") as process:
        yield process


def answers(port: int) -> bool:
    """Whether it is there, and lets us in or not."""
    try:
        return client(port).ping()
    except redis.RedisError:
        return False


def client(port: int) -> redis.Redis:
    return redis.Redis(HOST, port, password=PASSWORD, socket_timeout=1)


def free_ports(count: int) -> list[int]:
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)

"""Each process counts into files of its own in PROMETHEUS_MULTIPROC_DIR, under a name that no other ever has.

A process id won't do: containers that share the folder have the same ones, and the system gives them out again. And who
reads the files must know whose process has ended: each holds a lock, which ends with it however it ends, is not
inherited by its children, and can be tried from another container.
"""

import fcntl
import os
import uuid
from pathlib import Path

from prometheus_client import values

ALIVE = ".alive"


class _Mine:
    """The name of this process. `held` is never closed: with it the lock would end."""

    pid = 0
    name = ""
    held: list[int] = []


def count_by_process() -> None:
    """To be called before the first metric is made. Without the folder each process counts for itself."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        values.ValueClass = values.MultiProcessValue(process_name)


def process_name() -> str:
    """Asked at each count: a fork makes another process of us."""
    if _Mine.pid != os.getpid():
        _Mine.name = _take_name(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
        _Mine.pid = os.getpid()
    return _Mine.name


def _take_name(folder: Path) -> str:
    name = uuid.uuid4().hex
    unlocked = folder / f"{name}.new"
    # A record lock: a child does not have it, and it is free when we end.
    held = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unlocked.rename(folder / f"{name}{ALIVE}")  # nobody sees it without its lock
    _Mine.held.append(held)
    return name


def has_ended(alive: Path) -> bool:
    """Whether the process whose file this is holds its lock no more. Not to be asked by that process itself."""
    try:
        with alive.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except FileNotFoundError:
        return True
    return True

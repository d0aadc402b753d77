"""Finding and signalling processes. Whatever is gone by now is passed over in silence."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil


def family(pid: int) -> list[int]:
    """The process and all its descendants, itself first; empty if it is gone."""
    try:
        first = psutil.Process(pid)
        return [pid, *(child.pid for child in first.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def marked(name: str, value: str) -> list[int]:
    """The processes that were started with that environment variable, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(name) == value:
                found.append(process.pid)
    return found


def end_marked(name: str, value: str, *, patience: float = 10) -> None:
    """Ends the processes that were started with that environment variable, after some seconds by force."""
    deadline = time.monotonic() + patience
    send(marked(name, value), signal.SIGTERM)
    while left := marked(name, value):
        if time.monotonic() > deadline:
            send(left, signal.SIGKILL)
        time.sleep(0.05)


def works_in(pid: int, folder: Path) -> bool:
    """Whether there is such a process, and that is its working folder."""
    try:
        return Path(psutil.Process(pid).cwd()).samefile(folder)
    except (psutil.Error, OSError):
        return False


def send(pids: Iterable[int], by: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, by)

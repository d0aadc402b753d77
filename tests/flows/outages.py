"""Taking a program of a running system away, and telling whether the others lived through it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.flows.journey import until
from triggers_project.local import processes
from triggers_project.local.stack import Stack


@contextmanager
def killed(stack: Stack, name: str) -> Iterator[None]:
    """`kill -9`, and supervision does not start it again before the end of the block.

    Frozen, it can't follow supervision's request to end, so that it is still there to be killed when supervision
    expects it to end.
    """
    pids = stack.pids(name)
    processes.send(pids, signal.SIGSTOP)
    stopping = threading.Thread(target=stack.stop_program, args=(name,))
    stopping.start()
    until(lambda: stack._running.state(name) == "STOPPING", timeout=20, what=f"{name} is asked to end")
    processes.send(pids, signal.SIGKILL)
    stopping.join()
    try:
        yield
    finally:
        stack.start_program(name)


def main_processes(stack: Stack, *names: str) -> dict[str, int]:
    """The process that was started first of each program: another one means that it has been restarted."""
    return {name: stack.pids(name)[0] for name in names}

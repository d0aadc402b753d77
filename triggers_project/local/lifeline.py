"""A child that does not outlive its parent, however the parent ends."""

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """To be called in the child: the kernel sends it that signal when its parent is gone, kill -9 included.

    A parent of `multiprocessing`'s may be gone already; then the signal is sent at once. Only the process itself is
    tied, not its children, and a change of account unties it. Does nothing where the system has no such thing (macOS).
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():
        os.kill(os.getpid(), by)

"""One stack at a time on a data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another stack runs on the data folder; the message is one line and says what to do."""


@contextmanager
def sole_use(data_dir: Path) -> Iterator[int]:
    """The data folder is ours for the block. Yields the descriptor of the lock: whoever inherits it, keeps it.

    The kernel gives the lock back when the last holder is gone, however it ends. Raises AlreadyRunning.
    """
    descriptor = os.open(data_dir / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode().strip() or "unknown"
            raise AlreadyRunning(
                f"Triggers already runs on {data_dir} (process {holder}): stop it first, or set another DATA_DIR."
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield descriptor
    finally:
        os.close(descriptor)

"""Shows what the programs of a stack print, each line under its program's name, while they write it to their logs."""

import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

EVERY = 0.1  # seconds
_ENDED = re.compile(r" (?:WARN|INFO) exited: (\S+) \((.*); (?:not )?expected\)")


class Follower:
    """Reads the new lines of a log, also across its rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb") if path.exists() else None
        if self._file is not None:
            self._file.seek(0, 2)
        self._rest = b""

    def lines(self) -> list[str]:
        """What was added since the last call, as far as lines are whole."""
        added = self._read()
        if self._was_replaced():
            added += self._read()
        *whole, self._rest = (self._rest + added).split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    def _read(self) -> bytes:
        return self._file.read() if self._file is not None else b""

    def _was_replaced(self) -> bool:
        """Opens the file that now has the name, if it is another one."""
        try:
            fresh = self._path.open("rb")
        except FileNotFoundError:
            return False
        if self._file is not None and Path(f"/dev/fd/{fresh.fileno()}").samefile(
            f"/dev/fd/{self._file.fileno()}"
        ):
            fresh.close()
            return False
        self.close()
        self._file = fresh
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class Echo:
    """Writes the lines of the programs' logs to a stream, from a thread of its own, until it is closed."""

    def __init__(self, logs: Path, names: Iterable[str], output: TextIO) -> None:
        self._followers = {name: Follower(logs / f"{name}.log") for name in names}
        self._supervisor = Follower(logs / "supervisord.log")
        self._width = max((len(name) for name in self._followers), default=0)
        self._output = output
        self._closed = threading.Event()
        self._announces_restarts = True
        self._thread = threading.Thread(target=self._run, name="echo", daemon=True)
        self._thread.start()

    def expect_the_end(self) -> None:
        """From now on programs end because they were asked to."""
        self._announces_restarts = False

    def close(self) -> None:
        """Returns when all that was printed so far has been shown."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closed.wait(EVERY):
                self._show()
            self._show()
        except (OSError, ValueError):
            """Nobody reads the output any more. The programs go on, and their logs are there."""
        finally:
            for follower in (*self._followers.values(), self._supervisor):
                follower.close()

    def _show(self) -> None:
        for name, follower in self._followers.items():
            for line in filter(None, follower.lines()):
                self._output.write(f"{name:{self._width}} | {line}\n")
        for line in self._supervisor.lines():
            if self._announces_restarts and (ended := _ENDED.search(line)):
                self._output.write(f"{ended[1]:{self._width}} | ended ({ended[2]}), is started again\n")
        self._output.flush()

"""Lines of the log, written together where an event loop makes many: one by one they would cost as much as the work
that they tell of, since each hands the interpreter over to another thread.

`gather_lines(loop)` begins it for the thread that calls it. Lines that come while the loop runs are written at the end
of its turn; others, as everywhere else, at once. They go to what `sys.stderr` is at that moment: test runners and
servers exchange it.
"""

import asyncio
import os
import sys
import threading


class Stderr:
    """What structlog logs to: each of its methods takes a line."""

    def msg(self, line: str) -> None:
        self.write(line + "\n")

    debug = info = warning = error = critical = exception = msg

    def write(self, text: str) -> None:
        if _gathered.now():
            _gathered.write(text)
            return
        _write_out(text)


class _Gathered:
    thread: int | None = None
    lines: list[str]
    loop: asyncio.AbstractEventLoop

    def now(self) -> bool:
        return self.thread == threading.get_ident() and self.loop.is_running()

    def write(self, text: str) -> None:
        if not self.lines:
            self.loop.call_soon(self.write_out)
        self.lines.append(text)

    def write_out(self) -> None:
        text, self.lines = "".join(self.lines), []
        _write_out(text)


_gathered = _Gathered()


class _Turn:
    """What is written whole is read whole. (A signal's handler may write while its own thread does.)"""

    lock = threading.RLock()


def _write_out(text: str) -> None:
    with _Turn.lock:
        sys.stderr.write(text)
        sys.stderr.flush()


def _begin_anew() -> None:
    """In a child another thread of its parent's may have held it."""
    _Turn.lock = threading.RLock()


os.register_at_fork(after_in_child=_begin_anew)


def gather_lines(loop: asyncio.AbstractEventLoop | None) -> None:
    """From now on gathers the lines of this thread, which runs `loop`; None: no more."""
    _gathered.loop, _gathered.lines = loop, []  # type: ignore[assignment]
    _gathered.thread = None if loop is None else threading.get_ident()

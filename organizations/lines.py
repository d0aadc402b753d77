"""Lines of the log, written together where an event loop makes many: one by one they would cost as much as the work
that they tell of, since each hands the interpreter over to another thread.

`gather_lines(loop)` begins it for the thread that calls it. Lines that come while the loop runs are written at the end
of its turn; others, as everywhere else, at once. They go to what `sys.stderr` is at that moment: test runners and
servers exchange it.
"""

import asyncio
import sys
import threading


class Stderr:
    """What structlog writes to."""

    def write(self, text: str) -> int:
        if _gathered.now():
            return _gathered.write(text)
        return sys.stderr.write(text)

    def flush(self) -> None:
        if not _gathered.now():
            sys.stderr.flush()


class _Gathered:
    thread: int | None = None
    lines: list[str]
    loop: asyncio.AbstractEventLoop

    def now(self) -> bool:
        return self.thread == threading.get_ident() and self.loop.is_running()

    def write(self, text: str) -> int:
        if not self.lines:
            self.loop.call_soon(self.write_out)
        self.lines.append(text)
        return len(text)

    def write_out(self) -> None:
        text, self.lines = "".join(self.lines), []
        sys.stderr.write(text)
        sys.stderr.flush()


_gathered = _Gathered()


def gather_lines(loop: asyncio.AbstractEventLoop | None) -> None:
    """From now on gathers the lines of this thread, which runs `loop`; None: no more."""
    _gathered.loop, _gathered.lines = loop, []  # type: ignore[assignment]
    _gathered.thread = None if loop is None else threading.get_ident()

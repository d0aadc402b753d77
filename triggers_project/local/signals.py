"""What a request to end (Ctrl-C, SIGTERM, a closed terminal) does to a `with` block."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Terminated(SystemExit):
    """SIGTERM or SIGHUP: like KeyboardInterrupt for Ctrl-C, so that `with` blocks are left in order."""


@contextmanager
def ending_raises() -> Iterator[None]:
    """SIGTERM and SIGHUP raise Terminated in the block, where they would end the process on the spot.

    A handler that somebody has set is left alone; so is everything outside of the main thread.
    """

    def terminate(number: int, _frame: FrameType | None) -> None:
        raise Terminated(128 + number)

    unset = (signal.SIGTERM, signal.SIGHUP)
    with _handled([number for number in unset if signal.getsignal(number) is signal.SIG_DFL], terminate):
        yield


@contextmanager
def ending_calls(function: Callable[[], None]) -> Iterator[None]:
    """All requests to end call the function instead: the block is not left before it is through."""
    with _handled(ENDING, lambda _number, _frame: function()):
        yield


@contextmanager
def _handled(
    numbers: tuple[signal.Signals, ...] | list[signal.Signals],
    handler: Callable[[int, FrameType | None], None],
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)

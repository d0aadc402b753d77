"""What has to be known about a program to run it: the one shape that servers, stack and supervision share."""

import signal
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program of the stack.

    `user` is the name of the account to run as, None for our own. `stop_wait` is in seconds; after it the
    program is killed. Programs of a lower `rank` stop later, those of one rank together. `keeps_data`: it has to
    write down its data in the end, and what it prints is for its log only.
    """

    name: str
    argv: tuple[str, ...]
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_wait: int = 10
    rank: int = 100
    keeps_data: bool = False

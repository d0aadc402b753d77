"""Room for deep calls.

CPython 3.11 keeps the frames of a thread in pieces of 16 KB, and gives a piece back to the system as soon as the first
call in it returns. A loop that happens to call from the end of one asks for memory with each turn: a page of the admin
did so 1,900 times, which took 17 of its 60 ms (https://github.com/python/cpython/issues/142183: since the spring of
2026 releases of 3.13 and later keep a piece for the next call).
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

# Of 8 bytes, in one frame. With it a piece is 512 KB, the next power of two, of which half is left for what is called:
# as much as a thousand calls take, Python's limit. What nobody writes to takes no memory.
SLOTS = 33_000

P = ParamSpec("P")
T = TypeVar("T")


def with_room(work: Callable[P, T]) -> Callable[P, T]:
    """`work`, with all that it calls in one piece."""

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return work(*args, **kwargs)

    run.__code__ = run.__code__.replace(co_stacksize=SLOTS)
    return wraps(work)(run)

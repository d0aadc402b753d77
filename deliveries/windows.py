"""How many deliveries one endpoint may have in flight in one process.

It begins small, grows by one with each success and halves with each failure, as TCP's congestion window does. So a
receiver that is dead or slow holds a few places and not all of them. One that comes back after it had come down to one
place grows gently at first, by one in the time of a round trip, so that what has piled up does not flood it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice

FIRST, SMALLEST, LARGEST = 4, 1, 256
GENTLE = 32  # until then a receiver that comes back is spared
REMEMBERED = 5_000  # far more than can be in flight, so that none of those is ever forgotten
NAMED = 128  # of those with room to spare


@dataclass(slots=True)
class _Window:
    size: int = FIRST
    in_flight: int = 0
    gentle: bool = False
    successes: int = 0  # since it last grew

    @property
    def room(self) -> int:
        return max(0, self.size - self.in_flight)

    def succeeded(self) -> None:
        self.successes += 1
        if self.successes >= (self.size if self.gentle else 1):
            self.size, self.successes = min(LARGEST, self.size + 1), 0
        self.gentle = self.gentle and self.size < GENTLE

    def failed(self) -> None:
        self.size, self.successes = max(SMALLEST, self.size // 2), 0
        self.gentle = self.gentle or self.size == SMALLEST


class Windows:
    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()  # those used last come last
        self._tight: set[str] = set()  # which have less room than one that is not known

    def started(self, endpoint_id: str) -> None:
        window = self._of(endpoint_id)
        window.in_flight += 1
        self._note(endpoint_id, window)

    def ended(self, endpoint_id: str, *, delivered: bool) -> None:
        window = self._of(endpoint_id)
        window.in_flight -= 1
        if delivered:
            window.succeeded()
        else:
            window.failed()
        self._note(endpoint_id, window)

    def rooms(self) -> dict[str, int]:
        """How many more each endpoint may get; any that is not named may get FIRST.

        Those with less are all named. Of those with more only the ones that were used last: each claim has to read
        this, and among thousands of endpoints each gets a few places at a time in any case.
        """
        named = self._tight.union(islice(reversed(self._windows), NAMED))
        windows = {endpoint_id: self._windows[endpoint_id] for endpoint_id in named}
        return {endpoint_id: window.room for endpoint_id, window in windows.items() if window.room != FIRST}

    def _note(self, endpoint_id: str, window: _Window) -> None:
        if window.room < FIRST:
            self._tight.add(endpoint_id)
        else:
            self._tight.discard(endpoint_id)

    def _of(self, endpoint_id: str) -> _Window:
        window = self._windows.get(endpoint_id)
        if window is None:
            window = self._windows[endpoint_id] = _Window()
            self._forget_the_idle()
        else:
            self._windows.move_to_end(endpoint_id)
        return window

    def _forget_the_idle(self) -> None:
        while len(self._windows) > REMEMBERED:
            idle = next(
                (known for known, window in self._windows.items() if not window.in_flight),
                None,
            )
            if idle is None:
                return
            del self._windows[idle]
            self._tight.discard(idle)

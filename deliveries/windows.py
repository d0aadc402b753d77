"""How many deliveries one endpoint may have in flight in one process.

It begins small, grows by one with each success and halves with each failure, as TCP's congestion window does. So a
receiver that is dead or slow holds a few places and not all of them. One that comes back after it had come down to one
place grows gently at first, by one in the time of a round trip, so that what has piled up does not flood it.
"""

from collections import OrderedDict
from dataclasses import dataclass

FIRST, SMALLEST, LARGEST = 4, 1, 256
GENTLE = 32  # until then a receiver that comes back is spared
REMEMBERED = 5_000


@dataclass(slots=True)
class _Window:
    size: int = FIRST
    in_flight: int = 0
    gentle: bool = False
    successes: int = 0  # since it last grew

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
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def started(self, endpoint_id: str) -> None:
        self._of(endpoint_id).in_flight += 1

    def ended(self, endpoint_id: str, *, delivered: bool) -> None:
        window = self._of(endpoint_id)
        window.in_flight -= 1
        if delivered:
            window.succeeded()
        else:
            window.failed()

    def rooms(self) -> dict[str, int]:
        """How many more each known endpoint may get; any other may get FIRST."""
        return {
            endpoint_id: max(0, window.size - window.in_flight)
            for endpoint_id, window in self._windows.items()
            if window.in_flight or window.size != FIRST
        }

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

"""How many deliveries one endpoint may have in flight in one process.

It begins small, grows by one with each success and halves with each failure, as TCP's congestion window does. So a
receiver that is dead or slow holds a few places and not all of them, and one that comes back is not flooded.
"""

from collections import OrderedDict
from dataclasses import dataclass

FIRST, SMALLEST, LARGEST = 4, 1, 256
REMEMBERED = 5_000


@dataclass(slots=True)
class _Window:
    size: int = FIRST
    in_flight: int = 0


class Windows:
    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def started(self, endpoint_id: str) -> None:
        self._of(endpoint_id).in_flight += 1

    def ended(self, endpoint_id: str, *, delivered: bool) -> None:
        window = self._of(endpoint_id)
        window.in_flight -= 1
        window.size = min(LARGEST, window.size + 1) if delivered else max(SMALLEST, window.size // 2)

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

"""How late the engine's event loop is, and how much less the engine takes on while it is.

A loop that has more to do than its core can does not send more with 500 in flight than with 60: they wait for each
other, and so does whoever comes next, most of all somebody who has a single delivery. So while it is late, and somebody
with little is there, an engine claims less at once, and less of each tenant; when it keeps up again, soon as much as
before.
"""

import asyncio
import time
from dataclasses import dataclass

LOOK_EVERY = 0.01  # seconds
LATE = 0.003  # seconds; beyond what a timer of an idle loop is late by
SLOWER, FASTER = 0.8, 0.01  # with each look: a batch is accepted in ten of them, and late in one or two
LEAST = 0.1


@dataclass
class Lateness:
    """`scale`: how much of all that could be taken on is; 1.0 while the loop keeps up."""

    scale: float = 1.0

    def note(self, late: float) -> None:
        """`late` in seconds."""
        if late > LATE:
            self.scale = max(LEAST, self.scale * SLOWER)
        else:
            self.scale = min(1.0, self.scale + FASTER)

    def of(self, most: int, *, least: int) -> int:
        return max(min(least, most), int(most * self.scale))

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LOOK_EVERY)
            self.note(time.perf_counter() - began - LOOK_EVERY)

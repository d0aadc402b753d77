"""How late the engine's event loop is, and how much less the engine takes on while it is.

A loop that has more to do than its core can does not send more with 500 in flight than with 60: they wait for each
other, and so does whoever comes next, most of all somebody who has a single delivery. So while it is late, and somebody
with little is there, an engine claims less of each tenant; when it keeps up again, soon as much as before. Late as well
is a loop that is in time while those with little wait much longer than usual for what it asks.
"""

import asyncio
import time
from dataclasses import dataclass

LOOK_EVERY = 0.01  # seconds
LATE = 0.003  # seconds; beyond what a timer of an idle loop is late by
SLOWER, FASTER = 0.8, 0.01  # with each look: a batch is accepted in ten of them, and late in one or two
LEAST = 0.1
LONG = 2.5  # times what is usual
DRIFT = 1.03  # by which what is usual moves with each wait


@dataclass
class Lateness:
    """`scale`: how much of all that could be taken on is; 1.0 while the loop keeps up."""

    scale: float = 1.0
    usual: float = 0.0  # seconds: about the median of what was waited
    waited_long: bool = False  # since the last look

    def note(self, late: float) -> None:
        """A look; `late` in seconds."""
        if late > LATE or self.waited_long:
            self.scale = max(LEAST, self.scale * SLOWER)
        else:
            self.scale = min(1.0, self.scale + FASTER)
        self.waited_long = False

    def note_wait(self, took: float) -> None:
        """How many seconds somebody with little waited: a loop may be in time while all that it asks is slow. However
        many waited for the same, it is one late look."""
        self.waited_long |= took > LONG * (self.usual or took)
        self.usual = (self.usual or took) * (DRIFT if took > self.usual else 1 / DRIFT)

    def of(self, most: int, *, least: int) -> int:
        return max(min(least, most), int(most * self.scale))

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LOOK_EVERY)
            self.note(time.perf_counter() - began - LOOK_EVERY)

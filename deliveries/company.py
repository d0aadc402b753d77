"""Who has little, and waits, is known to all processes: the one that serves who has much may have nobody else, and be
in time itself. Told through Redis; without it each process goes by what it sees.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from deliveries.courtesy import Courtesy
from deliveries.lateness import Lateness
from organizations import redis_client

KEY = "triggers:late"
LASTS = 300  # ms
EXCHANGED_EVERY = 0.1  # seconds


@dataclass
class Company:
    """As one event loop knows it. `elsewhere`: the scale of one that is late with what somebody with little waits for;
    1.0 when there is none, or when nobody here has much."""

    elsewhere: float = 1.0

    async def watch(self, courtesy: Courtesy, lateness: Lateness) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(EXCHANGED_EVERY)
            now = time.monotonic()
            told = lateness.scale if courtesy.in_company(now=now) else 1.0
            if told < 1.0 or courtesy.has_much(now=now):
                self.elsewhere = await asyncio.to_thread(_exchange, told)
            else:
                self.elsewhere = 1.0


def _exchange(scale: float) -> float:
    """Tells of it if that is late, and hears what was told last."""

    def ask(redis: Any) -> float:
        if scale < 1.0:
            redis.set(KEY, scale, px=LASTS)
        return float(redis.get(KEY) or 1.0)

    return redis_client.ask(ask, what="courtesy") or 1.0

"""The scheduler's sign of life: beat ticks, a worker hears it, and the time is in Redis for the readiness check."""

import time

from organizations import redis_client

KEY = "triggers:heartbeat:scheduler"
SILENT_AFTER = 15  # seconds


def beat() -> None:
    redis_client.ask(lambda redis: redis.set(KEY, str(time.time()), ex=3600), what="heartbeat")


def scheduler_is_alive() -> bool:
    """Whether the scheduler was heard of lately. Unknown, and so False, while Redis is away."""
    last = redis_client.ask(lambda redis: redis.get(KEY), what="heartbeat")
    return last is not None and time.time() - float(last) < SILENT_AFTER

"""The scheduler's sign of life: beat ticks, a worker hears it, and Redis remembers it for a little while."""

from organizations import redis_client

KEY = "triggers:heartbeat:scheduler"
SILENT_AFTER = 15  # seconds, by Redis' clock: those of the machines may differ


def beat() -> None:
    redis_client.ask(lambda redis: redis.set(KEY, b"1", ex=SILENT_AFTER), what="heartbeat")


def scheduler_is_alive() -> bool:
    """Whether the scheduler was heard of lately. Unknown, and so False, while Redis is away."""
    return bool(redis_client.ask(lambda redis: redis.exists(KEY), what="heartbeat"))

"""Signs of life, in Redis and by its clock, for those of the machines may differ: the scheduler's, whose tick a worker
hears, and each worker's own."""

from typing import Any, NamedTuple

from organizations import redis_client
from organizations.redis_servers import seconds_now

SCHEDULER, WORKERS = "triggers:heartbeat:scheduler", "triggers:heartbeat:workers"
SILENT_AFTER = 15  # seconds
FORGOTTEN_AFTER = 3600  # seconds since a worker was heard of: it has another name by now, or was taken away


class Heard(NamedTuple):
    """A worker, and how many seconds ago it was heard of."""

    name: str
    seconds: float

    @property
    def is_alive(self) -> bool:
        return self.seconds <= SILENT_AFTER


def beat() -> None:
    redis_client.ask(lambda redis: redis.set(SCHEDULER, b"1", ex=SILENT_AFTER), what="heartbeat")


def scheduler_is_alive() -> bool:
    """Whether the scheduler was heard of lately. Unknown, and so False, while Redis is away."""
    return bool(redis_client.ask(lambda redis: redis.exists(SCHEDULER), what="heartbeat"))


def beat_of_worker(name: str) -> None:
    """`name`: as Celery has it, such as `deliveries@host`."""

    def note(redis: Any) -> None:
        now = seconds_now(redis, WORKERS)
        redis.zadd(WORKERS, {name: now})
        redis.zremrangebyscore(WORKERS, "-inf", now - FORGOTTEN_AFTER)

    redis_client.ask(note, what="heartbeat")


def gone(name: str) -> None:
    """A worker that ended as it was told to is not missed."""
    redis_client.ask(lambda redis: redis.zrem(WORKERS, name), what="heartbeat")


def workers() -> list[Heard] | None:
    """Those that were heard of within the hour, by name. None while Redis is away."""

    def look(redis: Any) -> list[Heard]:
        now = seconds_now(redis, WORKERS)
        heard = redis.zrange(WORKERS, 0, -1, withscores=True)
        return sorted(Heard(name.decode(), max(0.0, now - at)) for name, at in heard)

    return redis_client.ask(look, what="heartbeat")

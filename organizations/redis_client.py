"""The one Redis client for what we ask ourselves (limits, the doorbell). Redis is a help, never a need.

`ask` answers None when Redis is away. After a failure nobody asks for a second, so that a Redis that hangs costs its
time-out once a second and not once a request.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from organizations.metrics import redis_failures

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0
T = TypeVar("T")


class _Outage:
    """Until when nobody asks, on the process' own clock."""

    until = 0.0


@cache
def client() -> Any:
    """Retries once, without waiting: the pool may hold connections from before a restart."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT,
        socket_connect_timeout=settings.REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[redis.ConnectionError],
    )


def ask(question: Callable[[Any], T], *, what: str) -> T | None:
    """The answer to `question(client)`, or None when Redis is away. `what` names the asker in metric and log."""
    if time.monotonic() < _Outage.until:
        redis_failures.labels(what).inc()
        return None
    try:
        return question(client())
    except redis.RedisError as error:
        _Outage.until = time.monotonic() + PAUSE_SECONDS
        redis_failures.labels(what).inc()
        log.warning("redis.away", what=what, error=type(error).__name__)
        return None


def forget_outage() -> None:
    """Asks again at once (for tests)."""
    _Outage.until = 0.0

"""The one Redis client for what we ask ourselves (limits, the doorbell). Redis is a help, never a need.

`ask` answers None when Redis is away. After a failure nobody asks for a second or more, so that a Redis that hangs
costs its time-out once a second and not once a request.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import redis
import structlog
from django.conf import settings
from redis.exceptions import RedisClusterException  # which redis-py does not count as a RedisError

from organizations.metrics import redis_failures
from organizations.redis_servers import connect

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0
PAUSE_SHARE = (
    4  # times as long as the failure took: several Sentinels, or nodes, hang for longer than one server
)
T = TypeVar("T")

# URL -> until when nobody asks there, on the process' own clock.
_outages: dict[str, float] = {}


def client() -> Any:
    """Of limits and heartbeats. May raise redis.RedisError: a cluster is asked for its nodes."""
    return client_of(settings.REDIS_URL)


def broker() -> Any:
    """Of the doorbell, which is where Celery's messages are: the same servers unless BROKER_URL names others."""
    return client_of(_broker_url())


def client_of(url: str) -> Any:
    """The process' one client of these servers. May raise redis.RedisError."""
    return _connected(url, settings.REDIS_TIMEOUT)


def ask(question: Callable[[Any], T], *, what: str) -> T | None:
    """The answer to `question(client)`, or None when Redis is away. `what` names the asker in metric and log."""
    return _ask(settings.REDIS_URL, question, what)


def ask_broker(question: Callable[[Any], T], *, what: str) -> T | None:
    """`ask`, where Celery's messages are."""
    return _ask(_broker_url(), question, what)


def forget_outage() -> None:
    """Asks again at once (for tests)."""
    _outages.clear()


def _broker_url() -> str:
    return settings.BROKER_URL or settings.REDIS_URL


_connected = lru_cache(maxsize=8)(connect)


def _ask(url: str, question: Callable[[Any], T], what: str) -> T | None:
    began = time.monotonic()
    if began < _outages.get(url, 0.0):
        redis_failures.labels(what).inc()
        return None
    try:
        return question(client_of(url))
    except (redis.RedisError, RedisClusterException) as error:
        ended = time.monotonic()
        _outages[url] = ended + max(PAUSE_SECONDS, PAUSE_SHARE * (ended - began))
        redis_failures.labels(what).inc()
        log.warning("redis.away", what=what, error=type(error).__name__)
        return None

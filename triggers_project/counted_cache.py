"""Django's cache in Redis: over our own client, so that it finds Sentinels and clusters as everything does, and with
what django-prometheus counts of one, which needs another package for that."""

from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django_prometheus.cache.metrics import (
    django_cache_get_fail_total,
    django_cache_get_total,
    django_cache_hits_total,
    django_cache_misses_total,
)

from organizations import redis_client

_MISSING = object()
_BACKEND = "redis"


class _Client(RedisCacheClient):
    """One key at a time; several at once would be of several servers in a cluster, and nobody asks for them."""

    _servers: list[str]

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return redis_client.client_of(self._servers[0])


class CountedRedisCache(RedisCache):
    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__([server] if isinstance(server, str) else server, params)
        self._class = _Client

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        django_cache_get_total.labels(_BACKEND).inc()
        try:
            found = super().get(key, default=_MISSING, version=version)
        except Exception:
            django_cache_get_fail_total.labels(_BACKEND).inc()
            raise
        if found is _MISSING:
            django_cache_misses_total.labels(_BACKEND).inc()
            return default
        django_cache_hits_total.labels(_BACKEND).inc()
        return found

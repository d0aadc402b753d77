"""Django's cache in Redis, with what django-prometheus counts of one. Its own needs another package for that."""

from typing import Any

from django.core.cache.backends.redis import RedisCache
from django_prometheus.cache.metrics import (
    django_cache_get_fail_total,
    django_cache_get_total,
    django_cache_hits_total,
    django_cache_misses_total,
)

_MISSING = object()
_BACKEND = "redis"


class CountedRedisCache(RedisCache):
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

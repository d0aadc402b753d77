"""What is counted here, for Prometheus. Labels are bounded: never a tenant, a key or an address."""

import collections
from bisect import bisect_left
from collections.abc import Collection
from typing import Any

from prometheus_client import Counter

from organizations.tiers import Tier

redis_failures = Counter(
    "triggers_redis_failures_total",
    "Questions that Redis did not answer; each was answered without it.",
    ["what"],
)
limit_fallbacks = Counter(
    "triggers_limit_fallbacks_total",
    "Limits that were counted in one process because Redis was away.",
)
limit_refusals = Counter(
    "triggers_limit_refusals_total",
    "Calls refused because the tier's limit was spent.",
    ["tier"],
)
key_checks = Counter("triggers_key_checks_total", "API keys presented, by what came of it.", ["outcome"])
replica_reads = Counter(
    "triggers_replica_reads_total",
    "Reads of the API that the replica answered.",
)
replica_fallbacks = Counter(
    "triggers_replica_fallbacks_total",
    "Reads of the API that were the primary's although there is a replica, by why.",
    ["why"],
)

# From 0 on, so that the first one is seen as growth.
for _tier in Tier.values:
    limit_refusals.labels(_tier)
for _outcome in ("valid", "refused"):
    key_checks.labels(_outcome)
for _what in ("limits", "ring", "heartbeat", "replica", "courtesy"):
    redis_failures.labels(_what)
for _why in ("away", "behind", "canceled", "changed", "missing", "redis"):
    replica_fallbacks.labels(_why)


def observe_all(histogram: Any, amounts: Collection[float]) -> None:
    """`histogram.observe` for many at once, which prometheus-client has no call for: it writes each by itself."""
    if not amounts:
        return
    histogram._sum.inc(sum(amounts))
    buckets = collections.Counter(bisect_left(histogram._upper_bounds, amount) for amount in amounts)
    for bucket, number in buckets.items():
        histogram._buckets[bucket].inc(number)

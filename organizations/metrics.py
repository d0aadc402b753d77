"""What is counted here, for Prometheus. Labels are bounded: never a tenant, a key or an address."""

from prometheus_client import Counter

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

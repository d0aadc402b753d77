"""Limits: at most `limit` in any window of 60 seconds, counted once for all processes, each call costing n.

Redis keeps one hash for a budget: second -> spent in it. One Lua script looks and spends, so no two callers can take
the same place. A second counts until it has left the window whole, so never more than the limit passes in any 60 s,
wherever they start. The clock is Redis'. Without Redis each process counts for itself, by the same rule.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from organizations import redis_client
from organizations.metrics import limit_fallbacks

WINDOW = 60  # seconds

_SCRIPT = """
local now = tonumber(redis.call('TIME')[1])
local cost, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local spent = redis.call('HGETALL', KEYS[1])
local used, seconds, amounts, gone = 0, {}, {}, {}
for i = 1, #spent, 2 do
    local second, amount = tonumber(spent[i]), tonumber(spent[i + 1])
    if second < now - window then
        gone[#gone + 1] = spent[i]
    else
        used = used + amount
        seconds[#seconds + 1] = second
        amounts[second] = amount
    end
end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
local passed = used + cost <= limit
if passed and cost > 0 then
    redis.call('HINCRBY', KEYS[1], now, cost)
    redis.call('EXPIRE', KEYS[1], window + 2)
end
table.sort(seconds)
local answer = {passed and 1 or 0, used, now}
for _, second in ipairs(seconds) do
    answer[#answer + 1] = second
    answer[#answer + 1] = amounts[second]
end
return answer
"""


@dataclass(frozen=True)
class Budget:
    """Something that is counted: `limit` in each window, under a name of its own."""

    name: str
    limit: int


@dataclass(frozen=True)
class Spending:
    """What came of it. `reset_at` is in unix seconds; `retry_after` in whole seconds from `now`, at least 1."""

    passed: bool
    limit: int
    remaining: int
    now: int
    reset_at: int

    @property
    def retry_after(self) -> int:
        return max(1, self.reset_at - self.now)


def spend(budget: Budget, cost: int = 1) -> Spending:
    """Takes `cost` from the budget if it is there, all or nothing. A cost of 0 only looks."""
    answer = redis_client.ask(
        lambda redis: redis.eval(_SCRIPT, 1, f"triggers:limit:{budget.name}", cost, budget.limit, WINDOW),
        what="limits",
    )
    if answer is None:
        limit_fallbacks.inc()
        return _own_count.spend(budget, cost)
    passed, _used, now, *pairs = answer
    spent = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return verdict(budget, cost, bool(passed), spent, now)


def verdict(budget: Budget, cost: int, passed: bool, spent: Mapping[int, int], now: int) -> Spending:
    """The figures that go with a decision. `spent` is what each second holds, before this call."""
    used = sum(spent.values())
    if passed:
        remaining = budget.limit - used - cost
        oldest = min(spent, default=now)
        reset_at = oldest + WINDOW + 1 if used + cost else now
        return Spending(True, budget.limit, max(0, remaining), now, reset_at)
    return Spending(
        False,
        budget.limit,
        max(0, budget.limit - used),
        now,
        _when_it_fits(budget, cost, spent, now),
    )


def _when_it_fits(budget: Budget, cost: int, spent: Mapping[int, int], now: int) -> int:
    """The second in which enough has left the window; a whole window from now for what can never fit."""
    used = sum(spent.values())
    for second in sorted(spent):
        used -= spent[second]
        if used + cost <= budget.limit:
            return second + WINDOW + 1
    return now + WINDOW


@dataclass
class _OwnCount:
    """The same rule, for this process alone, while Redis is away."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    spent: dict[str, dict[int, int]] = field(default_factory=dict)

    def spend(self, budget: Budget, cost: int) -> Spending:
        now = int(time.time())
        with self.lock:
            seconds = {
                second: amount
                for second, amount in self.spent.get(budget.name, {}).items()
                if second >= now - WINDOW
            }
            before = dict(seconds)
            passed = sum(seconds.values()) + cost <= budget.limit
            if passed and cost:
                seconds[now] = seconds.get(now, 0) + cost
            self.spent[budget.name] = seconds
            if len(self.spent) > 10_000:  # the older half; who is in it begins anew
                self.spent = dict(list(self.spent.items())[5_000:])
        return verdict(budget, cost, passed, before, now)


_own_count = _OwnCount()

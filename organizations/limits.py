"""Limits: at most `limit` in any window of 60 seconds, counted once for all processes, each call costing n.

Redis keeps one hash for a budget: second -> spent in it, and their sum. One Lua script looks and spends, so no two
callers can take the same place. A second counts until it has left the window whole, so never more than the limit passes
in any 60 s, wherever they start. The clock is Redis'. Without Redis each process counts for itself, by the same rule.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from organizations import redis_client
from organizations.errors import OverLimit
from organizations.metrics import limit_fallbacks, limit_refusals
from organizations.redis_servers import is_cluster, slot_of

WINDOW = 60  # seconds

# Of each budget: its key; the limit, how many costs, the costs, in one list of numbers (msgpack: a client in Python
# takes longer to send a hundred arguments than the script to do its work). Answers another: now, and of each budget
# whether each cost passed (1 or 0), how many pairs, the pairs second and amount as they were before. When all passed
# one pair says enough: the oldest second, and all that was spent.
# All seconds are added up once a second: `at`, `used` and `oldest` hold what came of it for those who come in the same.
_SCRIPT = b"""
local told = cmsgpack.unpack(ARGV[1])
local now, window = tonumber(redis.call('TIME')[1]), told[1]

local function added_up(key)
    local held = redis.call('HGETALL', key)
    local used, oldest, pairs, gone = 0, now, {}, {}
    for i = 1, #held, 2 do
        local second, amount = tonumber(held[i]), tonumber(held[i + 1])
        if second and second < now - window then
            gone[#gone + 1] = held[i]
        elseif second then
            used = used + amount
            oldest = math.min(oldest, second)
            pairs[#pairs + 1] = second
            pairs[#pairs + 1] = amount
        end
    end
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
    return used, oldest, pairs
end

local answer, at = {now}, 2
for _, key in ipairs(KEYS) do
    local limit, costs = told[at], told[at + 1]
    local known = redis.call('HMGET', key, 'at', 'used', 'oldest')
    local fresh, used, oldest = tonumber(known[1] or 0) == now, tonumber(known[2]), tonumber(known[3])
    if not fresh then used, oldest = added_up(key) end
    local taken, refused = 0, false
    for i = at + 2, at + 1 + costs do
        local cost = told[i]
        if used + taken + cost <= limit then
            taken = taken + cost
            answer[#answer + 1] = 1
        else
            refused = true
            answer[#answer + 1] = 0
        end
    end
    at = at + 2 + costs
    local pairs = used > 0 and {oldest, used} or {}
    if refused then _, _, pairs = added_up(key) end
    if taken > 0 then
        redis.call('HSET', key, 'at', now, 'used', used + taken, 'oldest', oldest)
        redis.call('HINCRBY', key, now, taken)
        if not fresh then redis.call('EXPIRE', key, window + 2) end
    end
    answer[#answer + 1] = #pairs / 2
    for _, number in ipairs(pairs) do answer[#answer + 1] = number end
end
return cmsgpack.pack(answer)
"""


_decoder = msgspec.msgpack.Decoder(list[int])


class Budget(NamedTuple):
    """Something that is counted: `limit` in each window, under a name of its own."""

    name: str
    limit: int


class Spending(NamedTuple):
    """What came of it. `reset_at` is in unix seconds; `retry_after` in whole seconds from `now`, at least 1."""

    passed: bool
    limit: int
    remaining: int
    now: int
    reset_at: int

    @property
    def used(self) -> int:
        return self.limit - self.remaining

    @property
    def retry_after(self) -> int:
        return max(1, self.reset_at - self.now)


def spend(budget: Budget, cost: int = 1) -> Spending:
    """Takes `cost` from the budget if it is there, all or nothing. A cost of 0 only looks."""
    return spend_all([(budget, cost)])[0]


def look(budget: Budget) -> Spending | None:
    """What is left now, spending nothing. None while Redis is away: each process counts for itself then."""
    answer = redis_client.ask(lambda redis: _ask(redis, {budget: [0]}), what="limits")
    return None if answer is None else next(answer[budget])


def spend_all(wanted: Sequence[tuple[Budget, int]]) -> list[Spending]:
    """`spend` for many at once, each for itself and in order, in one round trip."""
    if not wanted:
        return []
    costs: dict[Budget, list[int]] = {}
    for budget, cost in wanted:
        costs.setdefault(budget, []).append(cost)
    answer = redis_client.ask(lambda redis: _ask(redis, costs), what="limits")
    if answer is None:
        limit_fallbacks.inc(len(wanted))
        return [_own_count.spend(budget, cost) for budget, cost in wanted]
    return [next(answer[budget]) for budget, _ in wanted]


def _ask(redis: Any, costs: Mapping[Budget, Sequence[int]]) -> dict[Budget, Iterator[Spending]]:
    """In one round trip; in a cluster one for each slot, for a script can't look beyond its own."""
    if not is_cluster(redis):
        return _spendings(costs, _run(redis, costs))
    by_slot: dict[int, dict[Budget, Sequence[int]]] = {}
    for budget, each in costs.items():
        by_slot.setdefault(slot_of(redis, _key(budget)), {})[budget] = each
    found: dict[Budget, Iterator[Spending]] = {}
    for part in by_slot.values():
        found |= _spendings(part, _run(redis, part))
    return found


def _run(redis: Any, costs: Mapping[Budget, Sequence[int]]) -> list[int]:
    arguments = [WINDOW]
    for budget, each in costs.items():
        arguments += [budget.limit, len(each), *each]
    keys = [_key(budget) for budget in costs]
    told = msgspec.msgpack.encode(arguments)
    answer: list[int] = _decoder.decode(redis.register_script(_SCRIPT)(keys, [told]))
    return answer


def _key(budget: Budget) -> str:
    return f"triggers:limit:{budget.name}"


def _spendings(
    costs: Mapping[Budget, Sequence[int]], answer: Sequence[int]
) -> dict[Budget, Iterator[Spending]]:
    """Of each budget its spendings in order, from what the script answered."""
    numbers = iter(answer)
    now, found = next(numbers), {}
    for budget, each in costs.items():
        passed = [bool(next(numbers)) for _ in each]
        spent = {next(numbers): next(numbers) for _ in range(next(numbers))}
        found[budget] = iter(
            [_verdict_after(budget, cost, fits, spent, now) for cost, fits in zip(each, passed, strict=True)]
        )
    return found


def _verdict_after(budget: Budget, cost: int, passed: bool, spent: dict[int, int], now: int) -> Spending:
    """The verdict; and notes the cost for the next one."""
    spending = verdict(budget, cost, passed, spent, now)
    if passed and cost:
        spent[now] = spent.get(now, 0) + cost
    return spending


def over_limit(tier: str, spending: Spending, cost: int) -> OverLimit:
    """The error of a call that was refused so."""
    limit_refusals.labels(tier).inc()
    return OverLimit(
        f"{spending.limit:,} events in {WINDOW} seconds are allowed, {spending.remaining:,} are left, "
        f"{cost:,} asked for.",
        retry_after=spending.retry_after,
    )


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

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from organizations import limits, redis_client
from organizations.limits import Budget, Spending, spend, spend_all, verdict
from tests.concurrency import at_once
from tests.spending import was_spent

T = TypeVar("T")
TEN = Budget("test", 10)


def put(spent: dict[int, int]) -> None:
    """What was spent, by how many seconds ago, by Redis' clock."""
    was_spent("test", spent)


def held() -> dict[bytes, bytes]:
    """Second -> spent in it."""
    found = redis_client.client().hgetall("triggers:limit:test").items()
    return {second: amount for second, amount in found if second.isdigit()}


def within_one_second(call: Callable[[], T]) -> T:
    """Redis' clock did not move on while this ran: else it is run anew."""
    while True:
        redis_client.client().flushdb()
        before = redis_client.client().time()[0]
        found = call()
        if redis_client.client().time()[0] == before:
            return found


# --- The figures --------------------------------------------------------------------------------------------------


def test_the_first_spending_of_a_window() -> None:
    assert verdict(TEN, 1, True, {}, 1000) == Spending(True, 10, 9, 1000, 1061)


def test_what_was_spent_before_counts_and_the_oldest_says_when_it_is_reset() -> None:
    assert verdict(TEN, 2, True, {950: 3, 990: 4}, 1000) == Spending(True, 10, 1, 1000, 1011)


def test_looking_costs_nothing() -> None:
    assert verdict(TEN, 0, True, {}, 1000) == Spending(True, 10, 10, 1000, 1000)


def test_a_refusal_says_what_is_left_and_when_it_fits() -> None:
    assert verdict(TEN, 5, False, {950: 3, 970: 1, 990: 4}, 1000) == Spending(False, 10, 2, 1000, 1011)


def test_a_refusal_waits_for_as_many_seconds_to_leave_as_it_needs() -> None:
    assert verdict(TEN, 7, False, {950: 3, 970: 1, 990: 4}, 1000).reset_at == 1051


def test_what_can_never_fit_is_told_to_wait_a_window() -> None:
    assert verdict(TEN, 11, False, {990: 4}, 1000).reset_at == 1060


def test_more_spent_than_a_lowered_limit_allows_leaves_nothing() -> None:
    assert verdict(TEN, 1, False, {990: 14}, 1000).remaining == 0


@pytest.mark.parametrize(("reset_at", "seconds"), [(1000, 1), (1001, 1), (1030, 30)])
def test_retry_after_is_at_least_a_second(reset_at: int, seconds: int) -> None:
    assert Spending(False, 10, 0, 1000, reset_at).retry_after == seconds


# --- Counted in Redis ---------------------------------------------------------------------------------------------


def test_exactly_the_limit_passes() -> None:
    assert [spend(TEN).passed for _ in range(12)] == [True] * 10 + [False] * 2


def test_the_remaining_falls_to_nothing() -> None:
    assert [spend(TEN, 3).remaining for _ in range(4)] == [7, 4, 1, 1]


def test_a_cost_is_taken_whole_or_not_at_all() -> None:
    assert not spend(TEN, 11).passed
    assert spend(TEN, 10).passed


def test_a_refused_call_spends_nothing() -> None:
    spend(TEN, 8)
    assert not spend(TEN, 3).passed
    assert spend(TEN, 2).passed


def test_a_cost_of_nothing_only_looks() -> None:
    spend(TEN, 10)
    assert spend(TEN, 0) == Spending(True, 10, 0, spend(TEN, 0).now, spend(TEN, 0).reset_at)
    assert list(held().values()) == [b"10"]


def test_budgets_do_not_touch_each_other() -> None:
    spend(TEN, 10)
    assert spend(Budget("other", 10)).passed


def test_a_second_counts_until_it_has_left_the_window_whole() -> None:
    def try_it() -> bool:
        put({60: 10})
        return spend(TEN).passed

    assert within_one_second(try_it) is False


def test_a_second_that_has_left_the_window_counts_no_more() -> None:
    put({61: 10})
    assert spend(TEN).remaining == 9


def test_what_has_left_the_window_is_removed() -> None:
    put({61: 4, 62: 4, 300: 4})
    spend(TEN)
    assert list(held().values()) == [b"1"]


def test_what_was_added_up_in_another_second_is_not_believed() -> None:
    put({70: 9, 50: 4})
    redis = redis_client.client()
    redis.hset("triggers:limit:test", mapping={"at": int(redis.time()[0]) - 20, "used": 9, "oldest": 1})

    assert spend(TEN).remaining == 5


def test_what_was_added_up_in_this_second_is_what_a_new_look_would_find() -> None:
    def try_it() -> tuple[Spending, Spending]:
        put({60: 2, 30: 3})
        spend(TEN)
        at_hand = spend(TEN, 0)
        redis_client.client().hdel("triggers:limit:test", "at")
        return at_hand, spend(TEN, 0)

    at_hand, looked = within_one_second(try_it)
    assert at_hand == looked
    assert (at_hand.remaining, at_hand.retry_after) == (4, 1)


def test_a_count_nobody_spends_from_goes_away_by_itself() -> None:
    spend(TEN)
    assert 60 <= redis_client.client().ttl("triggers:limit:test") <= 62


def test_a_refusal_tells_when_it_would_pass() -> None:
    def try_it() -> tuple[bool, int]:
        put({40: 6, 10: 4})
        refused = spend(TEN, 3)
        return refused.passed, refused.retry_after

    assert within_one_second(try_it) == (False, 21)


def test_fifty_callers_at_once_never_pass_more_than_the_limit() -> None:
    budget = Budget("test", 100)
    outcomes = at_once([lambda: [spend(budget).passed for _ in range(4)]] * 50, database=False)
    assert sum(sum(passed) for passed in outcomes if isinstance(passed, list)) == 100


def test_callers_of_different_cost_at_once_fill_the_limit_and_never_more() -> None:
    outcomes = at_once([lambda: spend(TEN, 4).passed] * 10, database=False)
    assert sorted(outcomes) == [False] * 8 + [True] * 2


def test_many_budgets_are_spent_from_at_once_each_call_for_itself_and_in_order() -> None:
    other = Budget("other", 5)
    spend(other, 2)
    wanted = [(TEN, 4), (other, 3), (TEN, 7), (TEN, 6), (other, 1), (TEN, 0)]
    found = spend_all(wanted)
    assert [(spending.passed, spending.limit, spending.remaining) for spending in found] == [
        (True, 10, 6),
        (True, 5, 0),
        (False, 10, 6),
        (True, 10, 0),
        (False, 5, 0),
        (True, 10, 0),
    ]
    assert [spend(TEN, 0).remaining, spend(other, 0).remaining] == [0, 0]


def test_of_many_a_refused_one_is_told_when_it_fits() -> None:
    def try_it() -> list[int]:
        put({40: 6, 10: 4})
        return [spending.retry_after for spending in spend_all([(TEN, 3), (TEN, 7)])]

    assert within_one_second(try_it) == [21, 51]


def test_nothing_wanted_is_nothing_spent() -> None:
    assert spend_all([]) == []


# --- Without Redis ------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process's own clock, as a list with one number."""
    now = [1000]
    monkeypatch.setattr(limits.time, "time", lambda: now[0] + 0.9)
    return now


@pytest.mark.usefixtures("no_redis")
def test_without_redis_the_process_counts_by_the_same_rule(clock: list[int]) -> None:
    assert [spend(TEN, 6) for _ in range(2)] == [
        Spending(True, 10, 4, 1000, 1061),
        Spending(False, 10, 4, 1000, 1061),
    ]


@pytest.mark.usefixtures("no_redis")
def test_without_redis_the_window_slides_as_well(clock: list[int]) -> None:
    spend(TEN, 10)
    clock[0] = 1060
    assert not spend(TEN).passed
    clock[0] = 1061
    assert spend(TEN).passed


class SlowToRead(dict[str, dict[int, int]]):
    """Gives other threads time between what was read and what is written."""

    def get(self, name: str, default: Any = None) -> Any:
        found = dict(super().get(name, default))
        time.sleep(0.001)
        return found


@pytest.mark.usefixtures("no_redis")
def test_without_redis_threads_never_pass_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits._own_count, "spent", SlowToRead())
    outcomes = at_once([lambda: [spend(TEN).passed for _ in range(2)]] * 10, database=False)
    assert sum(sum(passed) for passed in outcomes if isinstance(passed, list)) == 10


# --- Whatever comes, and whenever ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_redis")
@pytest.mark.parametrize("seed", range(5))
def test_no_window_wherever_it_starts_lets_more_than_the_limit_pass(clock: list[int], seed: int) -> None:
    chance, passed = random.Random(seed), []
    for _ in range(400):
        clock[0] += chance.choice([0, 0, 0, 1, 2, 7, 30])
        cost = chance.randint(1, 6)
        if spend(TEN, cost).passed:
            passed.append((clock[0], cost))
    for start, _ in passed:
        assert sum(cost for second, cost in passed if start <= second <= start + 60) <= 10


@pytest.mark.usefixtures("no_redis")
@pytest.mark.parametrize("seed", range(5))
def test_who_waits_as_long_as_it_was_told_passes_and_not_before(clock: list[int], seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        clock[0] += chance.choice([0, 0, 1, 2, 7])
        cost = chance.randint(1, 6)
        asked = spend(TEN, cost)
        if not asked.passed:
            clock[0] += asked.retry_after - 1
            assert not spend(TEN, cost).passed
            clock[0] += 1
            assert clock[0] == asked.reset_at
            assert spend(TEN, cost).passed


def test_the_script_decides_as_the_process_alone_would() -> None:
    """What a Redis that holds this answers, and what the same rule says: they must not drift apart."""
    spent = {0: 2, 5: 1, 30: 3, 59: 1, 60: 2, 61: 5, 62: 9}  # by how many seconds ago

    def try_them() -> list[tuple[Spending, Spending]]:
        now, found = redis_client.client().time()[0], []
        for cost in range(4):
            redis_client.client().flushdb()
            put(spent)
            within = {now - seconds: amount for seconds, amount in spent.items() if seconds <= 60}
            passed = sum(within.values()) + cost <= TEN.limit
            found.append((spend(TEN, cost), verdict(TEN, cost, passed, within, now)))
        return found

    pairs = within_one_second(try_them)
    assert [one for one, _ in pairs] == [other for _, other in pairs]
    assert [one.passed for one, _ in pairs] == [True, True, False, False]


def test_without_redis_many_are_counted_here(no_redis: None) -> None:
    found = spend_all([(TEN, 6), (TEN, 6), (TEN, 4)])
    assert [spending.passed for spending in found] == [True, False, True]

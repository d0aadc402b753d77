import asyncio
import time

import pytest

from deliveries import company
from deliveries.company import Company
from deliveries.courtesy import Courtesy
from deliveries.lateness import Lateness
from organizations import redis_client
from tests.figures import growth

FAILURES = "triggers_redis_failures_total"


@pytest.fixture(autouse=True)
def nobody_waits() -> None:
    redis_client.client().delete(company.KEY)


def serving(**served: int) -> Courtesy:
    courtesy = Courtesy()
    courtesy.serve(served, scale=1.0, now=time.monotonic())
    return courtesy


def heard(*processes: tuple[Courtesy, float], rounds: int = 4) -> list[float]:
    """What each hears, of those that serve these and are so late, after a few exchanges."""

    async def exchange() -> list[float]:
        known = [Company() for _ in processes]
        watching = [
            asyncio.create_task(one.watch(courtesy, Lateness(scale=scale)))
            for one, (courtesy, scale) in zip(known, processes, strict=True)
        ]
        await asyncio.sleep(rounds * company.EXCHANGED_EVERY)
        for task in watching:
            task.cancel()
        return [one.elsewhere for one in known]

    return asyncio.run(exchange())


def test_who_serves_much_hears_of_who_is_late_with_little() -> None:
    assert heard((serving(small=1), 0.5), (serving(big=1_000), 1.0)) == [0.5, 0.5]


def test_who_is_late_with_much_alone_tells_nobody() -> None:
    assert heard((serving(big=1_000), 0.5), (serving(other=1_000), 1.0)) == [1.0, 1.0]


def test_what_was_told_is_soon_forgotten() -> None:
    heard((serving(small=1), 0.5))
    assert 0 < redis_client.client().pttl(company.KEY) <= company.LASTS


def test_who_serves_little_asks_for_nothing_while_it_is_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company, "_exchange", lambda scale: 1 // 0)
    assert heard((serving(small=1), 1.0)) == [1.0]


def test_without_redis_each_goes_by_what_it_sees(no_redis: None) -> None:
    redis_client.forget_outage()
    assert growth(FAILURES, lambda: heard((serving(big=1_000), 1.0)), what="courtesy") > 0

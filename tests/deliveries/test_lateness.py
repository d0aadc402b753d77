"""While its event loop is late, an engine takes on less, so that those with little need not wait for it."""

import asyncio
import time

import pytest

from deliveries import engine
from deliveries.lateness import LATE, LEAST, SLOWER, Lateness
from organizations.models import Organization
from tests.deliveries.engine_room import an_engine, run_engine
from tests.deliveries.receiver import Conversation, answers, receiving
from tests.factories import make_delivery, make_endpoint


def after(*late: float) -> Lateness:
    lateness = Lateness()
    for seconds in late:
        lateness.note(seconds)
    return lateness


def test_a_loop_that_keeps_up_takes_on_all() -> None:
    assert after(0.0, LATE).of(128, least=16) == 128


def test_each_time_that_it_is_late_it_takes_on_less_down_to_the_least() -> None:
    assert [after(*[2 * LATE] * times).of(128, least=16) for times in (1, 2, 50)] == [102, 81, 16]


def test_when_it_keeps_up_again_it_soon_takes_on_all() -> None:
    assert after(*[2 * LATE] * 50, *[0.0] * 91).scale == 1.0


def waited(*seconds: float) -> Lateness:
    lateness = Lateness()
    for took in seconds:
        lateness.note_wait(took)
    lateness.note(0.0)
    return lateness


def test_waits_as_usual_are_not_late() -> None:
    assert waited(*[0.004, 0.006] * 50).scale == 1.0


def test_who_waits_much_longer_than_usual_was_late() -> None:
    usual = [0.005] * 20
    assert waited(*usual, 0.012).scale == 1.0
    assert waited(*usual, 0.014).scale == SLOWER


def test_however_many_wait_for_the_same_it_is_one_late_look() -> None:
    assert waited(*[0.005] * 20, *[0.02] * 10).scale == SLOWER


def test_what_is_always_so_long_is_usual() -> None:
    lateness = waited(*[0.005] * 20, *[0.02] * 100)
    lateness.scale = 1.0
    lateness.note_wait(0.02)
    lateness.note(0.0)
    assert lateness.scale == 1.0


def test_a_loop_that_was_blocked_is_late() -> None:
    async def block() -> Lateness:
        lateness = Lateness()
        watching = asyncio.create_task(lateness.watch())
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251 - what is tested
        await asyncio.sleep(0.001)
        watching.cancel()
        return lateness

    assert asyncio.run(block()).scale < 1.0


def test_a_tenant_gets_a_smaller_share_of_a_late_engine(
    committed_organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LEAST_OF_ONE_TENANT", 6)
    monkeypatch.setattr(engine, "MOST_AT_ONCE", 4)
    monkeypatch.setattr(Lateness, "note", lambda self, late: setattr(self, "scale", LEAST / 10))
    under_way: list[str] = []
    most = 0

    def counting(conversation: Conversation) -> None:
        nonlocal most
        under_way.append("one")
        most = max(most, len(under_way))
        conversation.end.wait(0.3)
        under_way.pop()
        answers(204)(conversation)

    with receiving(counting) as receiver:
        for _ in range(30):
            make_delivery(make_endpoint(committed_organization, url=receiver.url))
        run_engine()
    assert len(receiver.requests) == 30
    assert most <= 12  # two claims of 4 may come before it is known to be late


def test_alone_a_late_engine_takes_on_as_much_as_ever() -> None:
    late = an_engine(lateness=Lateness(scale=LEAST))
    late.by_organization["much"] = engine.LEAST_OF_ONE_TENANT
    alone = late._crowded()
    late.courtesy.serve({"little": 1}, scale=LEAST, now=time.monotonic())
    assert (alone, late._crowded()) == ([], ["much"])

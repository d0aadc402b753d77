"""What the fast lane does between the calls that it serves."""

import asyncio
import gc
import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from deliveries.lateness import LOOK_EVERY, Lateness
from events import api_fast
from events.api_fast import FastEvents
from organizations.verification import Remembered


def test_who_is_idle_looks_no_more_whether_it_is_late_until_somebody_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_fast, "WATCHED_SECONDS", 0.1)
    looks: list[float] = []
    monkeypatch.setattr(Lateness, "note", lambda self, late: looks.append(late))

    async def served_twice() -> tuple[int, int, int]:
        events, seen = FastEvents(), []
        for _ in range(2):
            events._serve("somebody", 1)
            await asyncio.wait_for(asyncio.shield(events._watching), timeout=10)
            seen.append(len(looks))
        await asyncio.sleep(3 * LOOK_EVERY)
        events.close()
        return seen[0], seen[1], len(looks)

    first, second, idle = asyncio.run(served_twice())
    assert 0 < first < second == idle


KEY: Any = SimpleNamespace(public_id="k")


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110  (what happens in a thread sets no event of this loop)
            await asyncio.sleep(0.01)


def lasting(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(api_fast, "remembered_key", lambda _: Remembered(KEY, seconds))


def read_by(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> list[Sequence[str]]:
    """What the states were read of, each time; `work` is what reading them does."""
    asked: list[Sequence[str]] = []

    def read(public_ids: Sequence[str]) -> list[None]:
        asked.append(public_ids)
        work()
        return [None for _ in public_ids]

    monkeypatch.setattr(api_fast, "read_states", read)
    return asked


def test_a_state_that_ends_soon_is_read_again_once_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    lasting(monkeypatch, 0.1)
    held = threading.Event()
    asked = read_by(monkeypatch, lambda: held.wait(20))

    async def called_while_it_is_read() -> None:
        events = FastEvents()
        for _ in range(3):
            assert await asyncio.wait_for(events.known_key("text"), timeout=10) is KEY
        await until(lambda: asked == [["k"]])
        held.set()
        await until(lambda: events._renewal is None)
        await events.known_key("text")
        await until(lambda: asked == [["k"], ["k"]])
        events.close()

    try:
        asyncio.run(called_while_it_is_read())
    finally:
        held.set()


def test_a_state_that_lasts_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lasting(monkeypatch, 0.4)
    asked = read_by(monkeypatch, lambda: None)

    async def called() -> None:
        events = FastEvents()
        assert await events.known_key("text") is KEY
        assert events._renewal is None
        events.close()

    asyncio.run(called())
    assert asked == []


def test_a_state_that_can_not_be_read_ahead_fails_nobody_before_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lasting(monkeypatch, 0.1)

    def fail() -> None:
        raise OperationalError("gone")

    asked = read_by(monkeypatch, fail)

    complaints: list[dict[str, Any]] = []

    async def called() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
        events = FastEvents()
        for times in (1, 2):
            assert await events.known_key("text") is KEY
            await until(lambda times=times: len(asked) == times and events._renewal is None)
        lasting(monkeypatch, 0.0)
        with pytest.raises(OperationalError):
            await events.known_key("text")
        events.close()
        gc.collect()

    asyncio.run(called())
    assert complaints == []


def test_who_comes_while_a_state_that_has_ended_is_read_waits_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lasting(monkeypatch, 0.1)
    held = threading.Event()

    def read() -> None:
        held.wait(20)
        lasting(monkeypatch, 0.5)

    asked = read_by(monkeypatch, read)

    async def called() -> None:
        events = FastEvents()
        await events.known_key("text")
        lasting(monkeypatch, -0.1)
        late = asyncio.create_task(events.known_key("text"))
        await until(lambda: asked == [["k"]])
        held.set()
        assert await asyncio.wait_for(late, timeout=10) is KEY
        events.close()

    try:
        asyncio.run(called())
    finally:
        held.set()
    assert asked == [["k"]]

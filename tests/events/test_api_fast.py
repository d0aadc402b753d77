"""What the fast lane does between the calls that it serves."""

import asyncio

import pytest

from deliveries.lateness import LOOK_EVERY, Lateness
from events import api_fast
from events.api_fast import FastEvents


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

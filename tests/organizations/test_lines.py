import asyncio
import io
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest

from organizations.lines import Stderr, gather_lines


class Noted(io.StringIO):
    """Remembers what each call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)


def say(*lines: str) -> None:
    for line in lines:
        Stderr().msg(line.removesuffix("\n"))


def run(loop: asyncio.AbstractEventLoop, *lines: str) -> None:
    async def work() -> None:
        say(*lines)

    loop.run_until_complete(work())


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    gather_lines(loop)
    yield loop
    gather_lines(None)
    loop.close()


def test_those_of_a_turn_of_the_loop_are_written_together(loop: asyncio.AbstractEventLoop) -> None:
    with redirect_stderr(Noted()) as noted:
        run(loop, "one\n", "two\n")
        run(loop, "three\n")
    assert noted.parts == ["one\ntwo\n", "three\n"]


def test_while_the_loop_rests_each_is_written_at_once(loop: asyncio.AbstractEventLoop) -> None:
    with redirect_stderr(Noted()) as noted:
        run(loop, "one\n")
        say("two\n", "three\n")
    assert noted.parts == ["one\n", "two\n", "three\n"]


def test_another_thread_waits_for_no_loop(loop: asyncio.AbstractEventLoop) -> None:
    async def work() -> None:
        say("late\n")
        other = threading.Thread(target=say, args=("at once\n",))
        other.start()
        other.join()

    with redirect_stderr(Noted()) as noted:
        loop.run_until_complete(work())
    assert noted.parts == ["at once\n", "late\n"]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical", "exception"])
def test_each_level_is_a_line(level: str) -> None:
    with redirect_stderr(Noted()) as noted:
        getattr(Stderr(), level)("one")
    assert noted.parts == ["one\n"]

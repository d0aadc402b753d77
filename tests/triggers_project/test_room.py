"""How often the system is asked for memory by calls that are made from everywhere on a deep stack."""

import asyncio
import resource
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tests.doors import Exchange, Scope
from triggers_project.web.bodies import IncomingBody
from triggers_project.web.django_door import DjangoDoor
from triggers_project.web.room import SLOTS, with_room

CALLS = 200  # from each depth
DEPTH = 400


def nothing() -> None:
    pass


def dive(depth: int) -> None:
    for _ in range(CALLS):
        nothing()
    if depth:
        dive(depth - 1)


def faults_of(work: Callable[[int], None]) -> int:
    """Pages that a thread of its own had to ask for."""
    faults: list[int] = []

    def run() -> None:
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        work(DEPTH)
        faults.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return faults[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the faults of a thread")
def test_with_room_no_loop_asks_for_memory_with_each_call() -> None:
    assert faults_of(with_room(dive)) < CALLS


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the faults of a thread")
@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="in others no loop may meet the end of a piece, or it is kept"
)
def test_without_it_some_loop_does() -> None:
    assert faults_of(dive) > CALLS


def test_it_answers_and_raises_as_what_it_calls_does() -> None:
    assert with_room(divmod)(7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        with_room(divmod)(7, 0)


def test_two_that_are_given_room_are_two() -> None:
    first, second = with_room(min), with_room(max)
    assert (first(1, 2), second(1, 2)) == (1, 2)


def test_django_is_called_with_room() -> None:
    stacks: list[int] = []

    def application(environ: dict[str, Any], start_response: Callable[..., None]) -> list[bytes]:
        stacks.extend(frame.f_code.co_stacksize for frame, _ in traceback.walk_stack(sys._getframe()))
        start_response("200 OK", [])
        return []

    door, exchange = DjangoDoor(application), Exchange()
    body = IncomingBody(exchange, declared=None, chunked=False)
    asyncio.run(door.answer(Scope("GET", "/", [("Host", "localhost")]), exchange, body))
    door.close()
    assert exchange.status == 200
    assert SLOTS in stacks

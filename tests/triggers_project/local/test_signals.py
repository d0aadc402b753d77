"""A request to end leaves `with` blocks in order."""

import os
import signal

import pytest

from triggers_project.local.signals import Terminated, ending_calls, ending_raises


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_raises_where_it_would_end_the_process_on_the_spot(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(Terminated) as caught, ending_raises():
            os.kill(os.getpid(), number)
        assert caught.value.code == 128 + number
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_handler_of_somebody_elses_is_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with ending_raises():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_calls_while_something_must_be_brought_to_its_end(number: signal.Signals) -> None:
    calls: list[str] = []
    with ending_calls(lambda: calls.append("hurry")):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert calls == ["hurry", "hurry"]

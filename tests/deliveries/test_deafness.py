"""When a worker counts as deaf."""

import pytest

from deliveries.deafness import LOOKS, Deafness

WAITING = [1] * (LOOKS + 1)
NEVER = [0.0] * (LOOKS + 1)


def looks(waiting: list[int], at_work: list[float]) -> list[bool]:
    deafness = Deafness(before=-1.0)
    return [deafness.note(waiting=number, at_work=at) for number, at in zip(waiting, at_work, strict=True)]


def test_messages_wait_and_nobody_works() -> None:
    assert looks(WAITING, NEVER) == [False] * LOOKS + [True]


@pytest.mark.parametrize(
    ("waiting", "at_work"),
    [
        pytest.param([0] * (LOOKS + 1), NEVER, id="nothing waits"),
        pytest.param([*WAITING[:-2], 0, 1], NEVER, id="it was taken"),
        pytest.param(WAITING, [float(look) for look in range(LOOKS + 1)], id="it works on others"),
        pytest.param(WAITING, [*NEVER[:-2], 1.0, 1.0], id="it worked meanwhile"),
    ],
)
def test_it_hears(waiting: list[int], at_work: list[float]) -> None:
    assert not any(looks(waiting, at_work))

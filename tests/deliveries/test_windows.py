import pytest

from deliveries import windows
from deliveries.windows import Windows

ONE, OTHER, IDLE = "one", "other", "idle"


def land(found: Windows, endpoint_id: str, times: int, *, delivered: bool) -> None:
    for _ in range(times):
        found.started(endpoint_id)
        found.ended(endpoint_id, delivered=delivered)


def test_who_is_not_known_is_not_named() -> None:
    assert Windows().rooms() == {}


def test_what_is_in_flight_takes_room() -> None:
    found = Windows()
    for _ in range(3):
        found.started(ONE)
    assert found.rooms() == {ONE: 1}


def test_a_full_window_has_no_room() -> None:
    found = Windows()
    for _ in range(9):
        found.started(ONE)
    assert found.rooms() == {ONE: 0}


def test_each_success_makes_room_for_one_more() -> None:
    found = Windows()
    land(found, ONE, 3, delivered=True)
    assert found.rooms() == {ONE: 7}


def test_each_failure_halves_it_down_to_one() -> None:
    found, rooms = Windows(), []
    for _ in range(3):
        land(found, ONE, 1, delivered=False)
        rooms.append(found.rooms()[ONE])
    assert rooms == [2, 1, 1]


def test_it_grows_to_256() -> None:
    found = Windows()
    land(found, ONE, 300, delivered=True)
    assert found.rooms() == {ONE: 256}


def test_who_comes_back_from_one_place_grows_by_one_in_a_round_trip() -> None:
    found, rooms = Windows(), []
    land(found, ONE, 3, delivered=False)
    for _ in range(6):
        land(found, ONE, 1, delivered=True)
        rooms.append(found.rooms().get(ONE, windows.FIRST))  # who has as much as anybody is not named
    assert rooms == [2, 2, 3, 3, 3, 4]


def test_and_as_before_once_it_has_room_for_32() -> None:
    found = Windows()
    land(found, ONE, 3, delivered=False)
    land(found, ONE, sum(range(1, 32)), delivered=True)
    assert found.rooms() == {ONE: 32}
    land(found, ONE, 2, delivered=True)
    assert found.rooms() == {ONE: 34}


def test_one_endpoint_takes_no_room_from_another() -> None:
    found = Windows()
    found.started(ONE)
    land(found, OTHER, 1, delivered=False)
    assert found.rooms() == {ONE: 3, OTHER: 2}


def test_those_with_nothing_in_flight_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "REMEMBERED", 2)
    found = Windows()
    found.started(ONE)
    land(found, IDLE, 1, delivered=True)
    found.started(OTHER)
    assert found.rooms() == {ONE: 3, OTHER: 3}


def test_all_with_little_room_are_named_and_of_the_others_those_used_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(windows, "NAMED", 2)
    found = Windows()
    land(found, "failing", 1, delivered=False)
    found.started("busy")
    for name in ("first", "second", "third"):
        land(found, name, 1, delivered=True)
    assert found.rooms() == {"failing": 2, "busy": 3, "second": 5, "third": 5}


def test_who_has_room_again_is_named_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "NAMED", 0)
    found = Windows()
    land(found, ONE, 1, delivered=False)
    land(found, ONE, 2, delivered=True)
    assert found.rooms() == {}

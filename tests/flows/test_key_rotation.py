"""A key that was rotated without grace is refused by every web process within a second."""

import time

import pytest

from tests.flows.journey import Journey, until
from triggers_project.local.stack import Stack

pytestmark = pytest.mark.flow


def test_every_process_refuses_the_old_key_within_a_second(stack: Stack, journey: Journey) -> None:
    """Each call is a connection of its own, and so comes to any of the web's processes."""
    old = journey.key
    for _ in range(20):
        assert journey.call("GET", "/api/keys").status_code == 200

    rotated = journey.call("POST", "/api/keys/rotate", {"grace_seconds": 0})
    answered = time.monotonic()
    assert rotated.status_code == 201, rotated.text
    until(lambda: time.monotonic() > answered + 1, timeout=2, what="the second is over")

    statuses = {journey.call("GET", "/api/keys").status_code for _ in range(40)}
    journey.key = rotated.json()["api_key"]
    assert journey.key != old
    assert statuses == {401}
    assert {journey.call("GET", "/api/keys").status_code for _ in range(10)} == {200}

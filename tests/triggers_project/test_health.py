import pytest

from deliveries.heartbeat import beat
from tests.calls import Caller

pytestmark = pytest.mark.usefixtures("committed")


def test_a_process_that_serves_is_live(anyone: Caller) -> None:
    response = anyone.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})


def test_it_is_ready_when_database_broker_and_scheduler_are(anyone: Caller) -> None:
    beat()
    response = anyone.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "down": []})


def test_without_a_beat_the_scheduler_is_down(anyone: Caller) -> None:
    response = anyone.get("/health/ready")
    assert (response.status_code, response.json()) == (503, {"status": "not ready", "down": ["scheduler"]})
    assert response.headers["Retry-After"] == "5"


@pytest.mark.usefixtures("no_redis")
def test_without_redis_broker_and_scheduler_are_down(anyone: Caller) -> None:
    response = anyone.get("/health/ready")
    assert (response.status_code, response.json()["down"]) == (503, ["broker", "scheduler"])


@pytest.mark.usefixtures("no_database")
def test_without_database_it_is_live_and_not_ready(anyone: Caller) -> None:
    beat()
    response = anyone.get("/health/ready")
    assert (response.status_code, response.json()["down"]) == (503, ["database"])
    assert anyone.get("/health/live").status_code == 200


def test_asking_needs_no_key_and_is_not_logged(anyone: Caller, capfd: pytest.CaptureFixture[str]) -> None:
    anyone.get("/health/live")
    assert "request.finished" not in capfd.readouterr().err

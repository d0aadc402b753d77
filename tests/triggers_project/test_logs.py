import json
import logging
import re
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from organizations.key_format import take_apart
from organizations.models import Organization
from tests.calls import Caller
from tests.deliveries.engine_room import LOOPBACK, run_engine
from tests.deliveries.receiver import answers, receiving
from triggers_project import logs
from triggers_project.logs import configure, logging_config

# Whatever is marked so may stand in no line.
HIDDEN = "hidden-mark"


class Stderr:
    """What `sys.stderr` is at that moment: pytest exchanges it."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What has gone to stderr since it was last asked, by structlog and by the standard library's handlers."""
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:
            monkeypatch.setattr(handler, "stream", Stderr())
    capsys.readouterr()
    return lambda: capsys.readouterr().err


def lines(written: Callable[[], str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in written().splitlines()]


def test_a_request_is_one_line_that_says_who_and_what(
    acme: SimpleNamespace, written: Callable[[], str]
) -> None:
    acme.api.get("/api/events", headers={"X-Request-ID": "mine"}, type="order.created")
    (line,) = lines(written)
    assert line == {
        "time": line["time"],
        "level": "info",
        "event": "request.finished",
        "method": "GET",
        "path": "/api/events",
        "status": 200,
        "duration_ms": line["duration_ms"],
        "request_id": "mine",
        "organization_id": str(acme.organization.pk),
    }
    assert list(line)[:3] == ["time", "level", "event"]
    assert str(line["time"]).endswith("Z")


def test_what_happens_on_the_way_bears_the_same_ids(
    acme: SimpleNamespace, written: Callable[[], str]
) -> None:
    Organization.objects.update(inbox_only=True)
    event_id = acme.api.post("/api/events", {"type": "a", "payload": 1}).json()["id"]
    accepted, finished = lines(written)
    assert (accepted["event"], accepted["event_id"], accepted["event_type"]) == (
        "event.accepted",
        event_id,
        "a",
    )
    assert accepted["request_id"] == finished["request_id"]
    assert accepted["organization_id"] == str(acme.organization.pk)


def test_what_one_request_bound_is_forgotten_at_the_next(
    acme: SimpleNamespace, anyone: Caller, written: Callable[[], str]
) -> None:
    acme.api.get("/api/keys")
    anyone.get("/api/keys")
    assert "organization_id" not in lines(written)[-1]


def test_a_mistake_of_ours_is_logged_with_its_traceback(
    acme: SimpleNamespace, written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deliveries.intake.accept_event", lambda *_, **__: 1 // 0)
    acme.api.post("/api/events", {"type": "a", "payload": 1}, headers={"X-Request-ID": "mine"})
    (failed,) = [line for line in lines(written) if line["event"] == "request.failed"]
    assert (failed["level"], failed["request_id"]) == ("error", "mine")
    assert "ZeroDivisionError" in str(failed["exception"])


def test_records_of_the_standard_library_look_alike(written: Callable[[], str]) -> None:
    structlog.contextvars.bind_contextvars(request_id="mine")
    logging.getLogger("somebody.else").warning("Said %s", "so")
    (line,) = lines(written)
    assert {**line, "time": ""} == {
        "time": "",
        "level": "warning",
        "event": "Said so",
        "request_id": "mine",
        "logger": "somebody.else",
    }


def test_below_the_level_nothing_is_written(written: Callable[[], str]) -> None:
    structlog.get_logger("quiet").debug("not.said")
    logging.getLogger("somebody.else").debug("not said")
    assert written() == ""


def test_on_a_terminal_it_is_text(written: Callable[[], str]) -> None:
    before = logging_config(level="INFO", form="json")
    configure(logging_config(level="INFO", form="console"))
    try:
        structlog.get_logger("terminal").info("said.so", number=5)
    finally:
        configure(before)
    output = written()
    assert "said.so" in output
    assert not output.startswith("{")


# --- What may stand in no line -------------------------------------------------------------------------------------


def secret_parts(*keys: str) -> list[str]:
    return [parts.secret for key in keys if (parts := take_apart(key))]


def test_no_line_of_a_whole_journey_holds_a_key_a_secret_or_a_payload(
    committed: None, written: Callable[[], str], settings: pytest.FixtureDef, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Caller().post("/api/keys/generate", {"organization_name": "Acme"}).json()["api_key"]
    api = Caller(key)
    with receiving(answers(500, HIDDEN, X_A=HIDDEN)) as receiver:
        settings.ALLOWED_PRIVATE_NETWORKS = LOOPBACK
        config = {"webhook_url": f"{receiver.url}&token={HIDDEN}"}
        secret = api.post("/api/webhook/config", config).json()["secret"]
        body = {"type": "a", "payload": {HIDDEN: HIDDEN}, "dedup_id": HIDDEN}
        for _ in range(2):
            api.post("/api/events", body)
        run_engine(schedule=[])
    api.post("/api/events", {**body, "type": HIDDEN + "!"})
    api.post("/api/events", f'{{"{HIDDEN}'.encode())
    api.post("/api/events/batch", {"events": [body, {"payload": HIDDEN}]})
    api.get("/api/events", payload=HIDDEN, since=HIDDEN, cursor=HIDDEN)
    api.post("/api/webhook/config", {"webhook_url": f"http://{HIDDEN}@10.0.0.1/", "secret": HIDDEN})
    fresh = api.post("/api/keys/rotate", {"grace_seconds": 60}).json()["api_key"]
    monkeypatch.setattr("deliveries.intake.accept_event", lambda *_, **__: 1 // 0)
    api.post(f"/api/events?payload={HIDDEN}", body)
    monkeypatch.setattr("organizations.middleware.limit_headers", lambda _: 1 // 0)
    api.client.get(f"/api/events?payload={HIDDEN}")
    Caller(f"{HIDDEN}{key}").get("/api/keys")
    output = written()
    assert output.count("request.finished") >= 12
    assert "delivery.attempted" in output
    assert HIDDEN not in output
    assert [part for part in (*secret_parts(key, fresh), secret, secret[6:]) if part in output] == []


def wrong() -> Exception:
    try:
        raise ValueError("ü")
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    "fact",
    [
        {"event": "a.b", "n": 1, "text": "käse \u2028", "none": None},
        {"event": wrong(), "list": [1, {"x": 2}], "id": Organization().pk},
        {"event": "a.b", "exc_info": wrong()},
        {"event": "a.b", "exc_info": None},
        {"event": "a.b", "time": "mine", "level": "mine"},
    ],
    ids=["plain", "no text", "an error", "no error", "names of ours"],
)
@pytest.mark.parametrize("method", ["info", "warning", "exception", "critical"])
def test_a_line_of_ours_is_what_the_steps_of_the_librarys_records_make_of_it(
    method: str, fact: dict[str, object]
) -> None:
    with bound_contextvars(request_id="r"):
        stepwise: Any = dict(fact)
        for step in [*logs._bound(), *logs._rendered("json")]:
            stepwise = step(None, method, stepwise)
        ours = logs._whole_line(None, method, dict(fact))
    moment = re.compile(r'"time":"[^"]+"')
    assert moment.sub("", ours) == moment.sub("", stepwise)
    assert json.loads(ours)["time"].endswith("Z")

"""A client that openapi-python-client makes of the schema works against a running system."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.flows.journey import Journey

pytestmark = pytest.mark.flow


def test_a_generated_client_sends_lists_acks_and_replays(
    journey: Journey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(f"{journey.stack.url}/api/schema", tmp_path / "made_client")
    monkeypatch.syspath_prepend(tmp_path)
    client = importlib.import_module("made_client").AuthenticatedClient(
        base_url=journey.stack.url, token=journey.key, httpx_args={"trust_env": False}
    )
    models = importlib.import_module("made_client.models")
    with client:  # one connection, closed at the end
        use(client, models, journey)


def use(client: Any, models: Any, journey: Journey) -> None:
    api = "made_client.api"
    event = models.EventInRequest(type_="flow.event", payload={"order": 17})
    sent = importlib.import_module(f"{api}.events.send_event").sync(client=client, body=event)
    journey.wait_for([str(sent.id)], timeout=30)

    listed = importlib.import_module(f"{api}.events.list_events").sync(client=client)
    assert [each.id for each in listed.items] == [sent.id]
    replayed = importlib.import_module(f"{api}.events.replay_event").sync_detailed(
        sent.id, client=client, body=models.ReplayInRequest()
    )
    assert (replayed.status_code, replayed.parsed.replayed) == (202, 1)
    acked = importlib.import_module(f"{api}.ack.acknowledge_event").sync(sent.id, client=client)
    assert (acked.id, acked.status) == (sent.id, "acknowledged")


def generate(url: str, folder: Path) -> None:
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        [
            *(str(scripts / "openapi-python-client"), "generate", "--url", url, "--meta", "none"),
            *("--output-path", str(folder), "--fail-on-warning"),
        ],
        env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""What the documentation tells to type works, against a running system, in the order of each page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.receivers import LANGUAGES, running
from tests.flows.journey import Journey, until
from triggers_project.local.stack import ROOT

DOCS = ROOT / "docs"

pytestmark = pytest.mark.flow
needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None, reason="There is no curl: apt-get install curl."
)

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The test's own address and key stand in the environment already.
_GIVEN = re.compile(r"^export (?:URL|KEY)=.*$", re.MULTILINE)
_SHELL = """set -eu
curl() { command curl --noproxy '*' --silent --show-error --write-out '%{stderr}\\nstatus %{http_code}\\n' "$@"; }
"""


def calls_of(page: Path) -> str:
    """The blocks of a page that call the API, one after the other."""
    blocks = [block for block in _BLOCK.findall(page.read_text()) if "curl -s" in block]
    return _GIVEN.sub("", "\n".join(blocks))


def typed(commands: str, journey: Journey) -> list[int]:
    """The statuses of what was answered."""
    done = subprocess.run(
        ["/bin/sh", "-c", _SHELL + commands],
        env={"PATH": os.environ["PATH"], "URL": journey.stack.url, "KEY": journey.key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [int(status) for status in re.findall(r"^status (\d+)$", done.stderr, re.MULTILINE)]


@needs_curl
@pytest.mark.parametrize("page", ["quickstart.md", "../triggers_project/openapi/introduction.md"])
def test_the_first_steps_lead_to_a_verified_event(page: str, journey: Journey) -> None:
    commands = calls_of(DOCS / page)
    (secret,) = set(re.findall(r"whsec_\w+=*", commands))
    with running(LANGUAGES[0], secret=secret) as receiver:
        commands = commands.replace("127.0.0.1:9000", f"127.0.0.1:{receiver.port}")
        assert typed(commands, journey) == [201, 200, 202, 200]
        until(receiver.stored, timeout=30, what="what was sent")
        assert [b'"data":{"order": 17}' in body for body in receiver.stored().values()] == [True]


@needs_curl
@pytest.mark.parametrize(
    ("page", "statuses"),
    [
        ("sending.md", [202, 409, 202, 202, 200, 200]),
        ("inbox.md", [200, 200, 200]),
        ("troubleshooting.md", [200, 200, 200]),
    ],
)
def test_what_a_page_tells_to_type_is_answered_as_it_says(
    page: str, statuses: list[int], journey: Journey
) -> None:
    assert typed(calls_of(DOCS / page), journey) == statuses


def test_the_program_that_sends_sends_once_however_often_it_is_run(journey: Journey) -> None:
    first, again = (ran("sending/send.py", journey) for _ in range(2))
    assert first == again
    journey.wait_for([first.strip()], timeout=30)
    assert [arrival.event_id for arrival in journey.arrivals()] == [first.strip()]


def test_the_program_that_polls_works_off_what_is_there_and_acknowledges(journey: Journey) -> None:
    posted = [journey.post(n=number) for number in range(2)]
    lines = ran("inbox/poll.py", journey, ONCE="1").splitlines()
    assert [line.split()[0] for line in lines] == posted
    assert journey.call("GET", "/api/inbox").json()["items"] == []


def ran(program: str, journey: Journey, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, str(DOCS / program)],
        env={"URL": journey.stack.url, "KEY": journey.key, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

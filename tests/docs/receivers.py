"""The receivers that docs/receiving.md shows, as programs: each language's own, on a port of its own."""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from triggers_project.local.embedded import free_port, port_is_free
from triggers_project.local.stack import ROOT

FOLDER = ROOT / "docs" / "receiving"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # that of the vectors of Standard Webhooks
PATIENCE = 60  # seconds until it listens: Go and Java are compiled first


@dataclass(frozen=True)
class Language:
    """`command` is what its program is run with; `{port}` is where it listens."""

    name: str
    command: tuple[str, ...]

    @property
    def here(self) -> bool:
        return shutil.which(self.command[0]) is not None


LANGUAGES = [
    Language("python", (sys.executable, "verify.py")),
    Language("node", ("node", "verify.mjs")),
    Language("go", ("go", "run", "verify.go")),
    Language("php", ("php", "-S", "127.0.0.1:{port}", "verify.php")),
    Language("java", ("java", "Verify.java")),
]


def each_language() -> list[object]:
    """All tests of one language go to one process of pytest-xdist, so that its receiver is started once.

    pytest-xdist 3.8 overlooks groups under pytest 9.2: then it is started once in each process.
    """
    return [
        pytest.param(
            language,
            id=language.name,
            marks=[
                pytest.mark.xdist_group(f"receiver-{language.name}"),
                pytest.mark.skipif(
                    not language.here,
                    reason=f"There is no {language.command[0]}: `make languages` brings it.",
                ),
            ],
        )
        for language in LANGUAGES
    ]


@dataclass
class Running:
    """A receiver that listens; `inbox` is the folder where it stores what it accepted."""

    port: int
    inbox: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def stored(self) -> dict[str, bytes]:
        """What it stored, by webhook-id."""
        return {path.name: path.read_bytes() for path in self.inbox.iterdir()}

    def post(self, headers: dict[str, str], body: bytes) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/hooks", body, {"Content-Type": "application/json", **headers})
            return connection.getresponse().status
        finally:
            connection.close()


def start(language: Language, folder: Path, *, port: int, secret: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port), "INBOX": str(folder / "inbox")}
    with (folder / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            [part.format(port=port) for part in language.command],
            cwd=FOLDER,
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,  # `go run` starts a program of its own, which ends with its group
        )


@contextmanager
def running(language: Language, *, secret: str = SECRET) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="triggers-docs-") as name:
        folder, port = Path(name), free_port()
        (folder / "inbox").mkdir()
        process = start(language, folder, port=port, secret=secret)
        try:
            wait_until_it_listens(process, port, folder / "stderr")
            yield Running(port, folder / "inbox", process)
        finally:
            end(process)


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, stderr: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while port_is_free(port):
        assert process.poll() is None, stderr.read_text()
        assert time.monotonic() < deadline, f"it does not listen: {stderr.read_text()}"
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, 15)
    except ProcessLookupError:
        pass  # it has ended by itself
    process.wait(20)

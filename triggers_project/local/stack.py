"""A whole running system on one data folder: servers, web, worker, beat, exporter, receiver.

`make up`, the guided tour, the benchmarks and the tests of whole journeys all run this:

    with Stack(data_dir, port=8000, metrics_port=9568) as stack:
        stack.start_servers()
        stack.migrate()
        stack.start_apps()
        stack.wait_until_ready()
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from triggers_project.local import account, embedded, postgres, processes, valkey
from triggers_project.local.apps import app_programs
from triggers_project.local.echo import Echo
from triggers_project.local.probe import answers_ok
from triggers_project.local.program import Program
from triggers_project.local.signals import ending_calls, ending_raises
from triggers_project.local.sole_use import sole_use
from triggers_project.local.supervision import Supervision

ROOT = Path(__file__).resolve().parents[2]
# All that a program inherits. The product's own variables are not among them: a stack is what its caller says.
# Nor is PYTHONDONTWRITEBYTECODE, which makes every process compile all it imports: three times as long a start.
INHERITED = (
    "HOME LANG LC_ALL LC_CTYPE LOGNAME NO_COLOR PATH SHELL SSL_CERT_DIR SSL_CERT_FILE TERM TMPDIR TZ USER"
).split()


class StackError(RuntimeError):
    """The stack does not start, or has failed: one line, or one line and a program's last ones."""


class Stack:
    """One system. Programs that die are started again; when the block is left, none of its processes is.

    `environ` holds the product's variables; with DATABASE_URL or REDIS_URL among them, that server is not started,
    unless `servers` names it (`postgres`, `valkey`): it stands behind what the URL leads to.
    `fast` gives up durability, for tests. What the programs print is kept in `logs`; what the apps print once all is
    ready is also shown on `output`, if there is one.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int,
        metrics_port: int,
        receiver_port: int | None = None,
        environ: Mapping[str, str] | None = None,
        servers: Collection[str] = (),
        fast: bool = False,
        output: TextIO | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.logs = self.data_dir / "logs"
        self.url = f"http://127.0.0.1:{port}"
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self.environ = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            **(environ or {}),
            "DATA_DIR": str(self.data_dir),
            "PORT": str(port),
            "METRICS_PORT": str(metrics_port),
            "PYTHONUNBUFFERED": "1",
        }
        self._apps = app_programs(
            data_dir=self.data_dir, environ=self.environ, port=port, receiver_port=receiver_port
        )
        self._own_servers = {
            name
            for name, url in (("postgres", "DATABASE_URL"), ("valkey", "REDIS_URL"))
            if name in servers or not self.environ.get(url)
        }
        self._fast = fast
        self._output = output
        self._held = ExitStack()
        self._lock = -1
        self._supervision: Supervision | None = None
        self._echo: Echo | None = None

    @property
    def database_url(self) -> str:
        return self.environ.get("DATABASE_URL") or embedded.database_url(self.data_dir)

    @property
    def redis_url(self) -> str:
        return self.environ.get("REDIS_URL") or embedded.redis_url(self.data_dir)

    def __enter__(self) -> Self:
        """Raises AlreadyRunning if another stack has the data folder."""
        # Root's PostgreSQL, which has an account of its own, must get through to its folder.
        self.data_dir.mkdir(mode=0o711 if account.we_are_root() else 0o700, parents=True, exist_ok=True)
        self._held.enter_context(ending_raises())
        self._lock = self._held.enter_context(sole_use(self.data_dir))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(embedded.private_dir(self.data_dir), ignore_errors=True)
            self._held.close()

    def start_servers(self, timeout: float = 120) -> None:
        """PostgreSQL and Valkey, ready (seconds of patience: recovery after a crash takes a while)."""
        servers: list[tuple[Program, Callable[[], bool]]] = []
        if "postgres" in self._own_servers:
            program = postgres.prepare(self.data_dir, fast=self._fast)
            servers.append((program, partial(postgres.is_ready, self.data_dir)))
        if "valkey" in self._own_servers:
            program = valkey.prepare(self.data_dir, fast=self._fast)
            servers.append((program, partial(valkey.is_ready, self.data_dir)))
        self._start_supervision([program for program, _ in servers])
        for program, _ in servers:
            self.start_program(program.name)
        deadline = time.monotonic() + timeout
        for program, is_ready in servers:
            self._wait_for(is_ready, [program], deadline)

    def migrate(self) -> None:
        self.manage("migrate", "--noinput", "--verbosity", "0")

    def manage(self, *arguments: str) -> str:
        """Runs `manage.py`, returns what it prints. Raises StackError with its last line if it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            words = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
            raise StackError(f"manage.py {arguments[0]} failed: {words[-1]}")
        return done.stdout

    def start_apps(self) -> None:
        """Returns before they are ready."""
        shutil.rmtree(self.data_dir / "metrics", ignore_errors=True)
        (self.data_dir / "metrics").mkdir()
        for program in self._apps:
            self.start_program(program.name)

    def wait_until_ready(self, timeout: float = 60) -> None:
        """Seconds. Raises StackError, naming the program that fails if it is known."""
        deadline = time.monotonic() + timeout
        for path in ("/health/live", "/health/ready"):
            self._wait_for(partial(answers_ok, self.url + path), self._apps, deadline)
        if self._output is not None:
            self._echo = Echo(self.logs, [program.name for program in self._apps], self._output)
            self._held.callback(self._echo.close)

    def watch(self) -> None:
        """Returns never; raises StackError if supervision itself ends."""
        while self._running.is_running:
            time.sleep(0.2)
        raise StackError(f"supervisord has ended; see {self.logs / 'supervisord.log'}")

    def pids(self, name: str) -> list[int]:
        """Process ids of a program: the one that was started first, then its children. Empty while it is down."""
        return self._running.pids(name)

    def kill(self, name: str, by: signal.Signals = signal.SIGKILL) -> list[int]:
        """Sends a signal to all processes of a program at once, and returns their ids. It is started again."""
        pids = self.pids(name)
        processes.send(pids, by)
        return pids

    def start_program(self, name: str) -> None:
        self._running.start_program(name)

    def stop_program(self, name: str) -> None:
        """Ends it, waits for that, and leaves it so until `start_program`."""
        self._running.stop_program(name)

    def stop(self) -> None:
        """Apps first, then servers. A request to end that comes meanwhile kills the apps and spares the data."""
        if self._supervision is None:
            return
        if self._echo is not None:
            self._echo.expect_the_end()
        with ending_calls(self._supervision.hurry):
            self._supervision.stop()
        self._supervision = None

    @property
    def _running(self) -> Supervision:
        if self._supervision is None:
            raise StackError("start_servers() comes first")
        return self._supervision

    def _start_supervision(self, servers: list[Program]) -> None:
        self._supervision = Supervision(self.data_dir, [*servers, *self._apps])
        self._supervision.start(root=ROOT, environ=self.environ, lock=self._lock)

    def _wait_for(self, is_ready: Callable[[], bool], programs: list[Program], deadline: float) -> None:
        began = time.monotonic()
        while not is_ready():
            failed = [program.name for program in programs if self._running.state(program.name) == "BACKOFF"]
            # Once may be bad luck, such as a port that is just being given back.
            if failed and time.monotonic() > began + 5:
                raise StackError(f"{failed[0]} does not start:\n{self.last_lines(failed[0])}")
            if time.monotonic() > deadline:
                names = ", ".join(program.name for program in programs)
                raise StackError(
                    f"not ready in time: {names}; see {self.logs}\n{self.last_lines(programs[0].name)}"
                )
            time.sleep(0.1)

    def last_lines(self, name: str, count: int = 15) -> str:
        """The end of the program's log."""
        try:
            return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-count:])
        except FileNotFoundError:
            return ""

"""Keeps programs running: a supervisord in a child process, its configuration, its XML-RPC.

What a program prints goes to `<data_dir>/logs/<name>.log`, and what happens to it to `supervisord.log` there.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from triggers_project.local import processes
from triggers_project.local.embedded import make_private_dir, private_dir
from triggers_project.local.program import Program

MARK = "TRIGGERS_STACK"


class SupervisionError(RuntimeError):
    """supervisord does not start."""


class Supervision:
    """One supervisord and its programs. Nothing runs before `start`, nothing is left after `finish`."""

    def __init__(self, data_dir: Path, programs: Iterable[Program]) -> None:
        self.programs = {program.name: program for program in programs}
        self.logs = data_dir / "logs"
        self._config = data_dir / "supervisord.conf"
        self._run = private_dir(data_dir)
        # All that was ever started for this data folder has it in its environment.
        self._mark = self._run.name
        self._process: subprocess.Popen[bytes] | None = None
        self._expendable: list[int] = []

    def start(self, *, root: Path, environ: Mapping[str, str], lock: int) -> None:
        """Starts supervisord, and no program yet.

        The programs work in the folder `root` and have `environ` for their whole environment. supervisord keeps the
        file descriptor `lock` open as long as it lives. Raises SupervisionError.
        """
        # Of an earlier supervisord that was killed. Nobody else can be at work here: we hold the lock.
        processes.end_marked(MARK, self._mark)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        link = make_private_dir(self._config.parent) / "data"
        link.unlink(missing_ok=True)
        link.symlink_to(self._config.parent)
        self._config.write_text(configuration(self.programs.values(), run=self._run))
        with open(self.logs / "supervisord.out", "wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "triggers_project.local.supervisor_main", "-c", str(self._config)],
                cwd=root,
                env={**environ, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                # The terminal's Ctrl-C must not get to the programs: they are ended one after the other.
                start_new_session=True,
            )
        self._wait_for_answer()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start_program(self, name: str) -> None:
        """Returns at once. A program that runs already is left alone."""
        self._call(Faults.ALREADY_STARTED, lambda rpc: rpc.startProcess(self._full(name), False))

    def stop_program(self, name: str) -> None:
        """Returns when it has ended; it stays so until `start_program`."""
        self._call(Faults.NOT_RUNNING, lambda rpc: rpc.stopProcess(self._full(name)))

    def state(self, name: str) -> str:
        """supervisord's word: STOPPED, STARTING, RUNNING, BACKOFF (it ended at once and is tried again), EXITED, …"""
        return str(self._info(name)["statename"])

    def pids(self, name: str) -> list[int]:
        """Process ids of the program: the one that was started first, then its descendants. Empty if it is down."""
        pid = int(self._info(name)["pid"])
        return processes.family(pid) if pid else []

    def stop(self) -> None:
        """Ends the programs, higher ranks first, then supervisord. Nothing is left, whatever happened before."""
        try:
            self._end_in_order()
        finally:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            processes.end_marked(MARK, self._mark)

    def hurry(self) -> None:
        """While `stop` is at work: kills at once what has no data to write down."""
        processes.send(self._expendable, signal.SIGKILL)

    def _end_in_order(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        # It doesn't answer questions any more once it has begun to end.
        apps = [program.name for program in self.programs.values() if not program.keeps_data]
        with suppress(OSError, Fault):
            self._expendable = [pid for name in apps for pid in self.pids(name)]
        self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10 + sum(program.stop_wait for program in self.programs.values())
        while self.is_running and time.monotonic() < deadline:
            time.sleep(0.02)

    def _info(self, name: str) -> dict[str, Any]:
        with self._rpc() as rpc:
            return dict(rpc.getProcessInfo(self._full(name)))

    def _full(self, name: str) -> str:
        return f"{_group(self.programs[name].rank)}:{name}"

    def _call(self, tolerated: int, call: Callable[[Any], object]) -> None:
        try:
            with self._rpc() as rpc:
                call(rpc)
        except Fault as fault:
            if fault.faultCode != tolerated:
                raise

    @contextmanager
    def _rpc(self) -> Iterator[Any]:
        transport = SupervisorTransport(None, None, f"unix://{self._run}/supervisor.sock")
        with ServerProxy("http://localhost", transport) as server:
            yield server.supervisor

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + 15
        while self.is_running and time.monotonic() < deadline:
            try:
                with self._rpc() as rpc:
                    rpc.getState()
                return
            except OSError:
                time.sleep(0.02)
        words = " ".join((self.logs / "supervisord.out").read_text().split())
        raise SupervisionError(f"supervisord does not start: {words or 'it says nothing'}")


def configuration(programs: Iterable[Program], *, run: Path) -> str:
    """The text of a supervisord.conf.

    `run` is where its socket is to be, with a link `data` to the data folder: the path of that may have all sorts
    of characters in it, some of which supervisord takes for its own.
    """
    programs = list(programs)
    sections = [
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"logfile={run}/data/logs/supervisord.log",
        "logfile_maxbytes=10MB",
        "logfile_backups=1",
        f"pidfile={run}/data/supervisord.pid",
        # It warns when it runs as root, unless it is told to.
        *(["user=root"] if os.geteuid() == 0 else []),
        "[unix_http_server]",
        f"file={run}/supervisor.sock",
        "chmod=0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for rank in sorted({program.rank for program in programs}):
        members = ",".join(program.name for program in programs if program.rank == rank)
        sections += [f"[group:{_group(rank)}]", f"programs={members}", f"priority={rank}"]
    for program in programs:
        sections += _section(program, run)
    return "\n".join([*sections, ""])


def _section(program: Program, run: Path) -> list[str]:
    return [
        f"[program:{program.name}]",
        f"command={_command(program.argv)}",
        "autostart=false",
        "autorestart=true",
        "startsecs=1",
        "startretries=1000000",
        f"stopsignal={program.stop_signal.name.removeprefix('SIG')}",
        f"stopwaitsecs={program.stop_wait}",
        # The stop signal is for the main process alone, which knows how to end its children.
        "stopasgroup=false",
        "killasgroup=true",
        # The other account may not be let into the project's folder.
        *([f"user={program.user}", "directory=/"] if program.user else []),
        "redirect_stderr=true",
        f"stdout_logfile={run}/data/logs/{program.name}.log",
        "stdout_logfile_maxbytes=20MB",
        "stdout_logfile_backups=2",
    ]


def _command(argv: Iterable[str]) -> str:
    """Quoted for supervisord, for which `%` begins an expansion, and `;` or `#` after a space a comment."""
    line = shlex.join(argv).replace("%", "%%")
    return line.replace(" ;", " '';").replace(" #", " ''#")


def _group(rank: int) -> str:
    return f"rank-{rank}"

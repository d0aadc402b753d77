"""A pytest plugin (`-p tests.servers`): a PostgreSQL and a Valkey of this run's own, before the settings are read.

With `-n 2` each of the two processes has servers of its own. Set TEST_DATABASE_URL or TEST_REDIS_URL to use servers
that are there already.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import clusters
from triggers_project.local import account, embedded, postgres, valkey
from triggers_project.local.lifeline import end_with_parent
from triggers_project.local.program import Program
from triggers_project.local.throw_away import throw_away_data

# What a developer has exported must not change what is tested.
PRODUCT_VARIABLES = (
    "ALLOWED_HOSTS ALLOWED_PRIVATE_NETWORKS BCRYPT_ROUNDS BEHIND_TLS_PROXY CORS_ALLOWED_ORIGINS DATABASE_POOL_SIZE "
    "DATABASE_POOLER DATABASE_REPLICA_LAG DATABASE_REPLICA_URL "
    "DATABASE_URL DATA_DIR DEBUG DELIVERY_WORKERS FIELD_ENCRYPTION_KEYS HSTS_SECONDS LOG_FORMAT LOG_LEVEL METRICS_PORT "
    "PORT PROMETHEUS_MULTIPROC_DIR REDIS_URL RETENTION_DAYS RETRY_SCHEDULE SECRET_KEY SIGNUPS_PER_HOUR SIGNUP_OPEN "
    "WEBHOOK_TIMEOUT WEB_WORKERS ENDPOINTS_PER_ORGANIZATION KEYS_PER_ORGANIZATION ENDPOINT_DISABLED_AFTER "
    "EMAIL_URL EMAIL_FROM OPERATOR_EMAILS METRICS_BY_TENANT RETENTION_DAYS_FREE RETENTION_DAYS_PRO "
    "RETENTION_DAYS_BUSINESS RETENTION_DAYS_ENTERPRISE BROKER_URL"
).split()

ROOM = 4 * 1024**3  # bytes

_running = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper, because it must come before pytest-django's own hook, which imports the settings."""
    _start(servers=not early_config.known_args_namespace.collectonly)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _running.close()


def _start(*, servers: bool) -> None:
    """Without `servers` for a run that only collects."""
    # A shell that started the tests in the background has SIGINT ignored, and that is inherited: what is started here
    # could not be ended by it, and Ctrl-C could not be tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in PRODUCT_VARIABLES:
        os.environ.pop(name, None)
    if not clusters.are_copied():
        _running.enter_context(temporary_files_in_memory())
    if servers and not clusters.are_copied() and "TEST_DATABASE_URL" not in os.environ:
        _running.enter_context(clusters.made(running))
    if clusters.are_copied():
        postgres._create_cluster = clusters.copy
    os.environ.update(
        _servers() if servers else _none(),
        SECRET_KEY="for tests only, and long enough that Django's own checks are content with it",
        BCRYPT_ROUNDS="4",
        LOG_FORMAT="json",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """The first of pytest-xdist's processes inherits our servers."""
    for spec in specs[1:]:
        spec.env.update(_servers())


@contextmanager
def temporary_files_in_memory() -> Iterator[None]:
    """Where there is plenty of it, and nobody has set TMPDIR. On ext4 each new file looks through the inodes of those
    that were removed in the last seconds, and a run removes a hundred thousand: a tenth of its CPU."""
    memory = Path("/dev/shm")  # noqa: S108  (a folder of our own is made in it)
    if "TMPDIR" in os.environ or not memory.is_dir() or not _has_room(memory):
        yield
        return
    with tempfile.TemporaryDirectory(
        prefix="triggers-tests-", dir=memory, ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(
            0o711
        )  # root's PostgreSQL has an account of its own, and must get through to its data
        os.environ["TMPDIR"], tempfile.tempdir = folder, folder
        yield
        tempfile.tempdir = None
        del os.environ["TMPDIR"]


def _has_room(memory: Path) -> bool:
    """Whether it takes all of a run, and programs may be started from there."""
    found = os.statvfs(memory)
    return (
        found.f_bavail * found.f_frsize >= ROOM
        and psutil.virtual_memory().available >= 2 * ROOM
        and not found.f_flag & os.ST_NOEXEC
    )


def _none() -> dict[str, str]:
    """Settings that lead to no server."""
    return {
        "DATA_DIR": str(_data_dir()),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }


def _data_dir() -> Path:
    data_dir = _running.enter_context(throw_away_data("triggers-test-"))
    data_dir.mkdir()
    return data_dir


def _servers() -> dict[str, str]:
    """Where the servers of one process are, as settings."""
    data_dir = _data_dir()
    return {
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL") or _postgres(data_dir),
        "REDIS_URL": os.environ.get("TEST_REDIS_URL") or _valkey(data_dir),
    }


def _postgres(data_dir: Path) -> str:
    program = postgres.prepare(data_dir, fast=True)
    log = data_dir / "postgres.log"
    _running.enter_context(running(program, partial(postgres.is_ready, data_dir), log=log))
    return embedded.database_url(data_dir)


def _valkey(data_dir: Path) -> str:
    program = valkey.prepare(data_dir, fast=True)
    log = data_dir / "valkey.log"
    _running.enter_context(running(program, partial(valkey.is_ready, data_dir), log=log))
    return embedded.redis_url(data_dir)


@contextmanager
def running(
    program: Program, is_ready: Callable[[], bool], *, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The server, ready; it writes to `log`. It ends with the block, and also when this process is killed."""
    with log.open("w+b") if log else tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            program.argv,
            **account.identity(program.user),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # An interrupted pytest still needs its servers to tidy up: the terminal's signals don't reach them.
            process_group=0,
            preexec_fn=partial(end_with_parent, program.stop_signal),
        )
        try:
            deadline = time.monotonic() + 30
            while not is_ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise RuntimeError(f"{program.name} does not start: {output.read().decode()}")
                time.sleep(0.02)
            yield process
        finally:
            process.send_signal(program.stop_signal)
            process.wait(program.stop_wait)

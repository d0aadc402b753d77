"""A replica of the system's own PostgreSQL, which follows what is streamed to it."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from tests.flows.setups.pgbouncer import give_to
from tests.servers import running
from triggers_project.local import postgres
from triggers_project.local.embedded import DATABASE, ROLE, socket_dir
from triggers_project.local.program import Program

STACK_STARTS = ("postgres",)


@contextmanager
def setup(data_dir: Path) -> Iterator[dict[str, str]]:
    with replica(data_dir) as sockets:
        yield {
            "DATABASE_URL": url_of(socket_dir(data_dir)),
            "DATABASE_REPLICA_URL": url_of(sockets),
        }


@contextmanager
def replica(data_dir: Path) -> Iterator[Path]:
    """The folder of its socket. A server that was never started since it ended well can be copied file by file."""
    data_dir.mkdir(mode=0o711, exist_ok=True)
    postgres.prepare(data_dir, fast=True)
    site = postgres._site(data_dir)
    cluster = site.cluster.with_name("replica")
    subprocess.run(["cp", "-a", str(site.cluster), str(cluster)], check=True)
    try:
        with following(
            site, cluster, primary=socket_dir(data_dir), log=data_dir.with_name("replica.log")
        ) as found:
            yield found
    finally:
        shutil.rmtree(cluster)


@contextmanager
def following(site: postgres.Site, cluster: Path, *, primary: Path, log: Path) -> Iterator[Path]:
    """A server on the copy, which follows the one whose socket is in `primary`. Gives the folder of its own."""
    sockets = log.with_name("replica-socket")
    sockets.mkdir(mode=0o700)
    (cluster / "standby.signal").touch()
    give_to(site.user, sockets)
    give_to(site.user, cluster)
    settings = {
        **postgres.SETTINGS,
        **postgres.FAST,
        "unix_socket_directories": str(sockets),
        "primary_conninfo": f"host={primary} user={ROLE} application_name=replica",
        "wal_retrieve_retry_interval": "200ms",
        "shared_buffers": "32MB",
    }
    argv = [str(site.binaries / "postgres"), "-D", str(cluster)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    program = Program(
        name="replica", argv=tuple(argv), user=site.user, stop_signal=signal.SIGINT, stop_wait=30
    )
    with running(program, partial(is_ready, site, sockets), log=log):
        yield sockets


def is_ready(site: postgres.Site, sockets: Path) -> bool:
    asked = [str(site.binaries / "pg_isready"), "--host", str(sockets), "--username", ROLE, "--timeout", "2"]
    return subprocess.run(asked, capture_output=True).returncode == 0


def url_of(sockets: Path, database: str = DATABASE) -> str:
    return f"postgresql://{ROLE}@{quote(str(sockets), safe='')}/{database}"

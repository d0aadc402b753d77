"""PgBouncer, which lends sessions by the transaction and knows nothing of prepared statements, before PostgreSQL."""

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.servers import running
from triggers_project.local import account
from triggers_project.local.embedded import DATABASE, ROLE, free_port, socket_dir
from triggers_project.local.program import Program
from triggers_project.local.stack import ROOT

STACK_STARTS = ("postgres",)
MISSING = "there is no PgBouncer: `make pgbouncer` gets Debian's, as root"

# As docs/growing.md has them. While PostgreSQL is away, nobody is to wait for it as long as PgBouncer likes to.
SETTINGS = {
    "listen_addr": "127.0.0.1",
    "unix_socket_dir": "",
    "auth_type": "scram-sha-256",
    "pool_mode": "transaction",
    "max_client_conn": "300",
    "default_pool_size": "20",
    "query_wait_timeout": "5",
    "server_connect_timeout": "3",
    "server_login_retry": "1",
}


@contextmanager
def setup(data_dir: Path) -> Iterator[dict[str, str]]:
    with pgbouncer(data_dir, {DATABASE: behind(socket_dir(data_dir))}) as address:
        yield {"DATABASE_URL": f"postgresql://{address}/{DATABASE}", "DATABASE_POOLER": "true"}


@contextmanager
def pgbouncer(
    data_dir: Path, databases: Mapping[str, str], settings: Mapping[str, str] | None = None
) -> Iterator[str]:
    """`databases`: what is behind each name. Gives `user:password@host:port`."""
    port, password = free_port(), secrets.token_hex(8)
    folder = data_dir.with_name("pgbouncer")
    folder.mkdir()
    users = folder / "users.txt"
    users.write_text(f'"{ROLE}" "{password}"\n')
    whole = {**SETTINGS, "listen_port": str(port), "auth_file": str(users), **(settings or {})}
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        "[databases]\n"
        + "".join(f"{name} = {target}\n" for name, target in databases.items())
        + "[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in whole.items())
    )
    # It won't run as root, and root's PostgreSQL lets its own account in only.
    user = account.server_account().pw_name if account.we_are_root() else None
    give_to(user, folder)
    program = Program(name="pgbouncer", argv=(program_path(), "-q", str(ini)), user=user)
    with running(program, partial(_lets_in, port, password), log=data_dir.with_name("pgbouncer.log")):
        yield f"{ROLE}:{password}@127.0.0.1:{port}"


def behind(sockets: Path, database: str = DATABASE) -> str:
    """A server by the folder of its socket, as PgBouncer has it."""
    return f"host={sockets} dbname={database} user={ROLE}"


def program_path() -> str:
    """Skips the test where there is none."""
    if (found := _find()) is None:
        pytest.skip(MISSING)
    return found


def there_is_pgbouncer() -> bool:
    return _find() is not None


def _find() -> str | None:
    """One that has its libraries, too."""
    found = shutil.which("pgbouncer", path=f"{ROOT / '.venv/bin'}:{os.environ['PATH']}:/usr/sbin")
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode != 0:
        return None
    return found


def give_to(user: str | None, folder: Path) -> None:
    if user is not None:
        who = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, who.pw_uid, who.pw_gid)


def _lets_in(port: int, password: str) -> bool:
    """It answers, if only that it knows no such database: what is behind it needn't be there yet."""
    try:
        psycopg.connect(f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/nothing", connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return "no such database" in str(error)
    return True

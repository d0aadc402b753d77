"""A PostgreSQL that is talked to over TLS only, with a certificate of an authority that was made for it.

Debian's, of any version from 15 on: the embedded one is built without TLS.
"""

import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.flows.setups.certificates import Certificates, make_certificates
from tests.flows.setups.pgbouncer import give_to
from tests.servers import running
from triggers_project.local import account
from triggers_project.local.embedded import DATABASE, ROLE, free_port
from triggers_project.local.program import Program

MISSING = "there is no PostgreSQL that knows TLS: install Debian's package `postgresql`"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "ssl": "on",
}


@contextmanager
def setup(data_dir: Path) -> Iterator[dict[str, str]]:
    certificates = make_certificates(data_dir.with_name("certificates"))
    with server(data_dir, certificates) as url:
        yield {"DATABASE_URL": f"{url}?sslmode=verify-full&sslrootcert={certificates.authority}"}


@contextmanager
def server(data_dir: Path, certificates: Certificates) -> Iterator[str]:
    """Gives its URL, without what is asked of TLS."""
    binaries, port, password = find_binaries(), free_port(), secrets.token_hex(8)
    user = account.server_account().pw_name if account.we_are_root() else None
    folder = data_dir.with_name("postgres-tls")
    folder.mkdir(mode=0o700)
    (folder / "password").write_text(password)
    give_to(user, folder)
    give_to(user, certificates.folder)
    cluster, run = folder / "cluster", partial(subprocess.run, check=True, **account.identity(user), cwd="/")
    who = (f"--username={ROLE}", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}")
    run(
        [binaries / "initdb", "--pgdata", cluster, "--encoding=UTF8", "--locale=C.UTF-8", *who],
        capture_output=True,
    )
    (cluster / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    run(
        [binaries / "postgres", "--single", "-D", cluster, "postgres"],
        input=f"CREATE DATABASE {DATABASE}\n".encode(),
        capture_output=True,
    )
    settings = {
        **SETTINGS,
        "port": str(port),
        "unix_socket_directories": str(folder),
        "ssl_cert_file": str(certificates.chain),
        "ssl_key_file": str(certificates.key),
    }
    argv = [str(binaries / "postgres"), "-D", str(cluster)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    program = Program(name="postgres", argv=tuple(argv), user=user, stop_signal=signal.SIGINT, stop_wait=30)
    asked = [str(binaries / "pg_isready"), "--host", "127.0.0.1", "--port", str(port), "--timeout", "2"]
    is_ready = lambda: subprocess.run(asked, capture_output=True).returncode == 0  # noqa: E731
    with running(program, is_ready, log=data_dir.with_name("postgres-tls.log")):
        yield f"postgresql://{ROLE}:{password}@localhost:{port}/{DATABASE}"


def find_binaries() -> Path:
    """Skips the test where there are none."""
    for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (path / "postgres").exists() and int(path.parent.name) >= 15:
            return path
    pytest.skip(MISSING)

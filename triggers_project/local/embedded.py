"""Where the embedded PostgreSQL and Valkey of a data folder are found, without starting anything.

The settings import this, so it is cheap and needs no Django. The same data folder always gives the same
addresses, so that a `manage.py` command in another terminal meets the servers that `make up` started.
"""

import errno
import fcntl
import hashlib
import json
import os
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

DATABASE = "triggers"
ROLE = "triggers"

# Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 on macOS). One of
# those could be taken by a webhook on its way out just while a killed Valkey is being restarted.
VALKEY_PORTS = range(20000, 32000)


class ServerError(RuntimeError):
    """An embedded server can't be prepared or started; the message is one line and says what to do."""


class ValkeyAddress(NamedTuple):
    port: int
    password: str


def private_dir(data_dir: Path) -> Path:
    """The folder of the data folder's sockets.

    In /tmp, because a socket's path has at most 107 bytes and the data folder may lie deep, and not in
    `$TMPDIR` or `$XDG_RUNTIME_DIR`, because those differ from one login to the next.
    """
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()
    return Path("/tmp") / f"triggers-{digest[:12]}"  # noqa: S108  (make_private_dir refuses one that others made)


def make_private_dir(data_dir: Path) -> Path:
    """Raises ServerError if somebody else has made it in advance: /tmp is everybody's."""
    folder = private_dir(data_dir)
    # Root's PostgreSQL, which has an account of its own, must get through to its folder inside.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    with suppress(FileExistsError):
        folder.mkdir(mode=mode)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ServerError(f"{folder} belongs to somebody else, and our sockets are to be there: remove it.")
    folder.chmod(mode)
    return folder


def socket_dir(data_dir: Path) -> Path:
    """The folder, closed to everybody else, of PostgreSQL's socket: who can reach it may log in."""
    return private_dir(data_dir) / "pg"


def database_url(data_dir: Path) -> str:
    """`postgresql://triggers@%2Ftmp%2Ftriggers-…%2Fpg/triggers`: a socket's folder in the place of a host."""
    return f"postgresql://{ROLE}@{quote(str(socket_dir(data_dir)), safe='')}/{DATABASE}"


def redis_url(data_dir: Path) -> str:
    """`redis://:password@127.0.0.1:port/0`. Creates the data folder and the file that remembers both."""
    address = valkey_address(data_dir)
    return f"redis://:{address.password}@127.0.0.1:{address.port}/0"


def valkey_address(data_dir: Path) -> ValkeyAddress:
    """Port and password of the data folder's Valkey, chosen the first time anybody asks."""
    with _locked(data_dir):
        return _remembered(data_dir) or _remember(
            data_dir, ValkeyAddress(free_port(), secrets.token_urlsafe(24))
        )


def settle_valkey_port(data_dir: Path) -> ValkeyAddress:
    """The address to start Valkey on: another port than remembered if something else has taken that one.

    Call it only while this data folder's Valkey is not running.
    """
    address = valkey_address(data_dir)
    if port_is_free(address.port):
        return address
    with _locked(data_dir):
        return _remember(data_dir, address._replace(port=free_port()))


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now. A port below 1024 that we may not have raises PermissionError."""
    with socket.socket() as probe:
        # As servers do it: connections of a server that has just ended don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True


def free_port() -> int:
    """A free port on 127.0.0.1, out of VALKEY_PORTS."""
    for _ in range(200):
        # Not of `random`, which tests seed alike in all their processes: they would choose the same ones.
        port = secrets.choice(VALKEY_PORTS)
        if port_is_free(port):
            return port
    raise ServerError("No free port found on 127.0.0.1 between 20000 and 32000.")


def _memory(data_dir: Path) -> Path:
    return data_dir / "valkey.json"


def _remembered(data_dir: Path) -> ValkeyAddress | None:
    try:
        found = json.loads(_memory(data_dir).read_text())
    except FileNotFoundError:
        return None
    return ValkeyAddress(port=found["port"], password=found["password"])


def _remember(data_dir: Path, address: ValkeyAddress) -> ValkeyAddress:
    """Writes the file whole or not at all: a power cut must not leave half of it."""
    fresh = _memory(data_dir).with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(address._asdict(), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(_memory(data_dir))
    return address


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """One process at a time: two that ask at once must get the same password."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(os.open(data_dir / "valkey.lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

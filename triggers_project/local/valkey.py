"""The embedded Valkey: its configuration and its command line."""

import os
import socket
from pathlib import Path

from triggers_project.local import wheels
from triggers_project.local.embedded import settle_valkey_port, valkey_address
from triggers_project.local.program import Program

DURABLE = {"appendonly": "yes", "appendfsync": "everysec"}
# For tests: nothing is written.
FAST = {"appendonly": "no"}


def prepare(data_dir: Path, *, fast: bool = False) -> Program:
    """Settles the port and writes the configuration. `fast` gives up durability. Raises ServerError."""
    folder = data_dir / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    address = settle_valkey_port(data_dir)
    settings = {
        "bind": "127.0.0.1",
        "port": str(address.port),
        "requirepass": address.password,
        "dir": str(folder),
        "daemonize": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        **(FAST if fast else DURABLE),
    }
    # A file of ours alone, because a command line is for all to see.
    path = folder / "valkey.conf"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{name} {_quoted(value)}\n" for name, value in settings.items())
    argv = (str(wheels.valkey_server()), str(path))
    return Program(name="valkey", argv=argv, stop_wait=30, rank=2, keeps_data=True)


def is_ready(data_dir: Path) -> bool:
    """Whether the server answers, which it does with -LOADING while it reads its data."""
    address = valkey_address(data_dir)
    try:
        with socket.create_connection(("127.0.0.1", address.port), timeout=2) as connection:
            connection.sendall(f"AUTH {address.password}\r\nPING\r\n".encode())
            with connection.makefile("rb") as answers:
                return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""What `make up` looks at before it starts anything, so that what is wrong is said in one line."""

import importlib
from collections.abc import Mapping
from typing import Any

import psycopg
import redis

from organizations.redis_servers import connect
from organizations.redis_url import masked
from triggers_project.local.embedded import port_is_free

OLDEST_POSTGRES = 15
PATIENCE = 5  # seconds for a server to answer
ELSE = {"REDIS_URL": "the embedded one", "BROKER_URL": "that of REDIS_URL"}


class CannotStart(RuntimeError):
    """Something outside of us is in the way; the message is one line and says what to do."""


def read_settings() -> Any:
    """The settings module. Raises BadEnvironment, whose message is one line, or CannotStart."""
    try:
        return importlib.import_module("triggers_project.settings")
    except OSError as error:
        raise CannotStart(
            f"the data folder can't be used: {error.strerror}: {error.filename}; set DATA_DIR to another."
        ) from None


def check_ports(**ports: int) -> None:
    """By the names of their variables. Raises CannotStart for one that is taken, or not ours to have."""
    for name, port in ports.items():
        try:
            free = port_is_free(port)
        except PermissionError:
            raise CannotStart(
                f"port {port} is reserved for root; set {name}=… to one from 1024 on."
            ) from None
        if not free:
            raise CannotStart(f"port {port} is taken; set {name}=… to another.")


def check_servers(environ: Mapping[str, str]) -> None:
    """Those that DATABASE_URL, REDIS_URL and BROKER_URL name. Raises CannotStart if one doesn't answer."""
    if url := environ.get("DATABASE_URL"):
        _check_postgres(url)
    for name in ("REDIS_URL", "BROKER_URL"):
        if url := environ.get(name):
            _check_redis(name, url)


def _check_postgres(url: str) -> None:
    advice = "start it, correct DATABASE_URL, or unset it to use the embedded one."
    try:
        with psycopg.connect(url, connect_timeout=PATIENCE) as connection:
            major = connection.info.server_version // 10_000
    except psycopg.Error as error:
        raise CannotStart(f"no PostgreSQL at {masked(url)} ({_first_line(error)}): {advice}") from None
    if major < OLDEST_POSTGRES:
        raise CannotStart(
            f"{masked(url)} is PostgreSQL {major}; {OLDEST_POSTGRES} is the oldest that will do."
        )


def _check_redis(name: str, url: str) -> None:
    advice = f"start it, correct {name}, or unset it to use {ELSE[name]}."
    try:
        with connect(url, PATIENCE) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise CannotStart(f"no Redis at {masked(url)} ({_first_line(error)}): {advice}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")

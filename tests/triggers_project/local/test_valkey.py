"""The embedded Valkey."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import redis

from tests.servers import running
from triggers_project.local import valkey
from triggers_project.local.embedded import redis_url, valkey_address


@contextmanager
def client(data_dir: Path) -> Iterator[redis.Redis]:
    program = valkey.prepare(data_dir)
    with (
        running(program, partial(valkey.is_ready, data_dir)),
        redis.Redis.from_url(redis_url(data_dir)) as connection,
    ):
        yield connection


def test_data_is_there_after_a_restart(data_dir: Path) -> None:
    with client(data_dir) as connection:
        connection.set("kept", "4711")
    with client(data_dir) as connection:
        assert connection.get("kept") == b"4711"


def test_nobody_gets_in_without_the_password(data_dir: Path) -> None:
    with (
        client(data_dir),
        redis.Redis(port=valkey_address(data_dir).port) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_the_password_is_not_for_all_to_see(data_dir: Path) -> None:
    program = valkey.prepare(data_dir)
    password = valkey_address(data_dir).password
    assert not any(password in argument for argument in program.argv)
    assert stat.S_IMODE((data_dir / "valkey" / "valkey.conf").stat().st_mode) == 0o600


def test_the_data_folder_may_have_any_name(data_dir: Path) -> None:
    odd = data_dir / "a b\"c\\d#e'f ä"
    with client(odd) as connection:
        assert connection.config_get("dir") == {"dir": str(odd / "valkey")}

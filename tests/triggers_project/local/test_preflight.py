"""What is in the way is said in one line, and says what to do."""

import os
import socket
from collections.abc import Mapping

import pytest

from triggers_project.local import preflight
from triggers_project.local.preflight import CannotStart


def said(check: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CannotStart) as caught:
        check(*arguments, **named)  # type: ignore[operator]
    return str(caught.value)


def test_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert said(preflight.check_ports, PORT=port) == f"port {port} is taken; set PORT=… to another."


def test_a_port_that_is_taken_on_all_addresses() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert (
            said(preflight.check_ports, METRICS_PORT=port)
            == f"port {port} is taken; set METRICS_PORT=… to another."
        )


def test_a_port_that_is_not_ours_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> bool:
        raise PermissionError

    monkeypatch.setattr(preflight, "port_is_free", refuse)
    expected = "port 80 is reserved for root; set PORT=… to one from 1024 on."
    assert said(preflight.check_ports, PORT=80) == expected


def test_a_free_port_is_fine(closed_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    preflight.check_ports(PORT=free)


def test_no_postgresql(closed_port: int) -> None:
    words = said(
        preflight.check_servers, {"DATABASE_URL": f"postgresql://me:geheim@127.0.0.1:{closed_port}/mine"}
    )
    assert words.startswith(f"no PostgreSQL at postgresql://me:***@127.0.0.1:{closed_port}/mine (")
    assert words.endswith("): start it, correct DATABASE_URL, or unset it to use the embedded one.")
    assert "refused" in words
    assert "geheim" not in words
    assert "\n" not in words


def test_no_redis(closed_port: int) -> None:
    words = said(preflight.check_servers, {"REDIS_URL": f"redis://:geheim@127.0.0.1:{closed_port}/0"})
    assert words.startswith(f"no Redis at redis://:***@127.0.0.1:{closed_port}/0 (")
    assert words.endswith("): start it, correct REDIS_URL, or unset it to use the embedded one.")
    assert "geheim" not in words
    assert "\n" not in words


def test_no_broker(closed_port: int) -> None:
    where = f"127.0.0.1:{closed_port}/main"
    words = said(preflight.check_servers, {"BROKER_URL": f"sentinel://:geheim@{where}"})
    assert words == (
        f"no Redis at sentinel://:***@{where} (No Sentinel that answers knows a primary of 'main'): "
        "start it, correct BROKER_URL, or unset it to use that of REDIS_URL."
    )


def test_a_wrong_password() -> None:
    url = os.environ["REDIS_URL"].replace(":", ":wrong", 2).replace("redis:wrong", "redis:", 1)
    assert "invalid username-password pair" in said(preflight.check_servers, {"REDIS_URL": url})


@pytest.mark.parametrize("environ", [{}, {"DATABASE_URL": "", "REDIS_URL": ""}])
def test_servers_that_are_not_named_are_not_asked(environ: Mapping[str, str]) -> None:
    preflight.check_servers(environ)


def test_servers_that_answer_are_fine() -> None:
    preflight.check_servers({name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")})


def test_a_postgresql_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "OLDEST_POSTGRES", 99)
    words = said(preflight.check_servers, {"DATABASE_URL": os.environ["DATABASE_URL"]})
    assert words.endswith("is PostgreSQL 18; 99 is the oldest that will do.")


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0"),
        ("redis://:secret@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0"),
        ("postgresql://me:s%40cret@host/db?sslmode=require", "postgresql://me:***@host/db?sslmode=require"),
    ],
)
def test_a_password_is_masked(url: str, masked: str) -> None:
    assert preflight.masked(url) == masked

"""Addresses that are known before any server runs."""

import os
import socket
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dj_database_url
import pytest
from psycopg.conninfo import conninfo_to_dict

from triggers_project.local import embedded


def test_both_django_and_libpq_read_the_database_url(tmp_path: Path) -> None:
    url = embedded.database_url(tmp_path)
    folder = str(embedded.socket_dir(tmp_path))
    assert conninfo_to_dict(url) == {"user": "triggers", "host": folder, "dbname": "triggers"}
    parsed = dj_database_url.parse(url)
    assert (parsed["USER"], parsed["HOST"], parsed["NAME"]) == ("triggers", folder, "triggers")


def test_a_data_folder_has_the_same_database_url_however_it_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert embedded.database_url(tmp_path / "a") == embedded.database_url(tmp_path / "a" / ".." / "a")


def test_two_data_folders_have_two_database_urls(tmp_path: Path) -> None:
    assert embedded.database_url(tmp_path / "a") != embedded.database_url(tmp_path / "b")


def test_a_deep_data_folder_still_has_a_socket_path_that_fits(tmp_path: Path) -> None:
    path = embedded.socket_dir(tmp_path / ("deep/" * 100)) / ".s.PGSQL.5432"
    assert len(os.fsencode(path)) < 60


def test_the_redis_url_is_remembered(tmp_path: Path) -> None:
    assert embedded.redis_url(tmp_path) == embedded.redis_url(tmp_path)


def test_all_who_ask_at_once_get_one_redis_url(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        urls = set(pool.map(embedded.redis_url, [tmp_path] * 64))
    assert len(urls) == 1


def test_only_we_can_read_the_password(tmp_path: Path) -> None:
    embedded.redis_url(tmp_path)
    assert stat.S_IMODE((tmp_path / "valkey.json").stat().st_mode) == 0o600


def test_a_port_that_is_still_free_is_kept(tmp_path: Path) -> None:
    before = embedded.valkey_address(tmp_path)
    assert embedded.settle_valkey_port(tmp_path) == before


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    before = embedded.valkey_address(tmp_path)
    with socket.create_server(("127.0.0.1", before.port)):
        after = embedded.settle_valkey_port(tmp_path)
    assert after.port != before.port
    assert after.password == before.password
    assert embedded.valkey_address(tmp_path) == after


def test_ports_are_not_among_those_of_outgoing_connections() -> None:
    assert 20_000 <= embedded.free_port() < 32_000


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to(path.parent)])
def test_a_socket_folder_that_somebody_else_prepared_is_refused(
    data_dir: Path, make: Callable[[Path], None]
) -> None:
    make(embedded.private_dir(data_dir))
    with pytest.raises(embedded.ServerError, match="belongs to somebody else"):
        embedded.make_private_dir(data_dir)
    embedded.private_dir(data_dir).unlink()


def test_connections_of_a_server_that_has_ended_do_not_take_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # who closes first keeps the connection for a minute, in TIME_WAIT
            assert client.recv(1) == b""
    assert embedded.port_is_free(port)

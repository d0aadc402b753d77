"""The embedded PostgreSQL: its data outlives whatever happens to its process."""

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import clusters
from tests.servers import running
from triggers_project.local import account, postgres
from triggers_project.local.embedded import ServerError, database_url

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL has an account of its own")


@contextmanager
def server(data_dir: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with running(postgres.prepare(data_dir, **options), partial(postgres.is_ready, data_dir)) as process:
        yield process


def ask(data_dir: Path, query: str) -> Any:
    with psycopg.connect(database_url(data_dir), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone() if cursor.description else None


def test_data_is_there_after_a_restart(data_dir: Path) -> None:
    with server(data_dir):
        ask(data_dir, "CREATE TABLE kept AS SELECT 4711 AS number")
    with server(data_dir):
        assert ask(data_dir, "SELECT number FROM kept") == (4711,)


def test_data_is_there_after_a_kill(data_dir: Path) -> None:
    with server(data_dir) as process:
        ask(data_dir, "CREATE TABLE kept AS SELECT 4711 AS number")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (postgres._site(data_dir).cluster / "postmaster.pid").exists()
    with server(data_dir):
        assert ask(data_dir, "SELECT number FROM kept") == (4711,)


def test_a_stale_pid_file_that_names_another_process_of_its_account_does_not_stop_it(data_dir: Path) -> None:
    with server(data_dir, fast=True):
        site = postgres._site(data_dir)
    with subprocess.Popen(["/bin/sleep", "60"], **account.identity(site.user)) as stranger:
        (site.cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{site.cluster}\n1\n5432\n\n\n")
        with server(data_dir, fast=True):
            assert ask(data_dir, "SELECT 1") == (1,)
        stranger.kill()


def test_two_servers_on_the_same_data_are_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "ENDING", 0.1)
    with server(data_dir, fast=True) as process:
        with pytest.raises(ServerError, match=rf"already runs on .* \(process {process.pid}\)"):
            postgres.prepare(data_dir)
        assert ask(data_dir, "SELECT 1") == (1,)


def test_an_interrupted_first_start_is_begun_anew(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_create_cluster", clusters.create)
    (data_dir / "postgres.new").mkdir()
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    with server(data_dir, fast=True):
        assert ask(data_dir, "SELECT 1") == (1,)


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    postgres.prepare(data_dir)
    (data_dir / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match="was written by PostgreSQL 17, this is 18"):
        postgres.prepare(data_dir)


def test_it_is_durable_unless_told_to_be_fast(data_dir: Path) -> None:
    durability = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
    with server(data_dir):
        assert ask(data_dir, durability) == ("on", "on")
    with server(data_dir, fast=True):
        assert ask(data_dir, durability) == ("off", "off")


def test_the_database_is_unicode_and_in_utc(data_dir: Path) -> None:
    query = """SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale, current_setting('timezone')
               FROM pg_database WHERE datname = 'triggers'"""
    with server(data_dir, fast=True):
        assert ask(data_dir, query) == ("UTF8", "b", "C.UTF-8", "UTC")


@as_root
def test_roots_data_goes_elsewhere_if_its_account_can_not_get_to_the_folder(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    above = [(folder, folder.stat().st_mode) for folder in data_dir.parents]
    with server(data_dir, fast=True):
        ask(data_dir, "CREATE TABLE kept AS SELECT 4711 AS number")
    home = Path((data_dir / postgres.NOTE).read_text().strip())
    assert home.parent == postgres.ELSEWHERE
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
    with server(data_dir, fast=True):
        assert ask(data_dir, "SELECT number FROM kept") == (4711,)
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert [(folder, folder.stat().st_mode) for folder in data_dir.parents] == above


@as_root
def test_roots_server_runs_from_a_copy_if_its_account_can_not_run_the_installed_one(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "runs", lambda *_: False)
    with server(data_dir, fast=True) as process:
        monkeypatch.undo()
        program = Path(f"/proc/{process.pid}/exe").readlink()
        assert ask(data_dir, "SELECT 1") == (1,)
    home = postgres._noted_home(data_dir)
    assert home is not None
    assert program.is_relative_to(home)

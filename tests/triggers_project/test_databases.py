"""How PostgreSQL is reached: through a pooler that lends sessions by the transaction, and over TLS."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as configured
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from deliveries.database import connect
from organizations.impatient import connection as impatience
from organizations.replica_watch import REPLICA
from organizations.sql import run
from tests.flows.setups.certificates import Certificates, make_certificates
from tests.flows.setups.grown import only_tls
from tests.flows.setups.pgbouncer import behind, give_to, pgbouncer
from tests.flows.setups.replica import url_of
from triggers_project.databases import databases
from triggers_project.doctor.findings import Level
from triggers_project.doctor.pooler import pooler
from triggers_project.environment import BadEnvironment, Environment
from triggers_project.local import account
from triggers_project.local.embedded import socket_dir
from triggers_project.local.throw_away import throw_away_data
from triggers_project.management.commands import migrate

URL = "postgresql://u:hidden@host/name"


def of(url: str = URL, **environ: str) -> dict[str, dict[str, Any]]:
    return databases(Environment(environ), url)


@contextmanager
def through_pgbouncer(settings: dict[str, str] | None = None) -> Iterator[None]:
    """Django's connection, and all that are made as it is."""
    known, data_dir = connection.settings_dict, Path(configured.DATA_DIR)
    before = dict(known)
    if not str(before["HOST"]).startswith("/"):
        pytest.skip("TEST_DATABASE_URL names a server that is not this run's own")
    with throw_away_data("triggers-pooler-") as elsewhere:
        named = {before["NAME"]: behind(socket_dir(data_dir), str(before["NAME"]))}
        with pgbouncer(elsewhere, named, settings) as address:
            found = of(f"postgresql://{address}/{before['NAME']}")["default"]
            connection.close()
            known.update({name: found[name] for name in ("HOST", "PORT", "USER", "PASSWORD")})
            known["HOST"] = "localhost"
            try:
                yield
            finally:
                connection.close()
                known.clear()
                known.update(before)


def asked(**options: Any) -> None:
    """In addition, from the next connection on."""
    connection.close()
    connection.settings_dict["OPTIONS"] = {**connection.settings_dict["OPTIONS"], **options}


def levels() -> list[Level]:
    return [one.level for one in pooler()]


# --- A pooler -----------------------------------------------------------------------------------------------------


def test_with_a_pooler_nothing_is_prepared_and_no_cursor_left_open() -> None:
    found = of(DATABASE_POOLER="true")["default"]
    assert found["OPTIONS"]["prepare_threshold"] is None
    assert found["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert of()["default"]["OPTIONS"]["prepare_threshold"] > 1_000_000
    assert "DISABLE_SERVER_SIDE_CURSORS" not in {
        name for name, value in of()["default"].items() if value is True
    }


@pytest.mark.parametrize("query", ["?options=-c%20work_mem%3D64MB", "?currentSchema=ours"])
def test_what_a_pooler_would_not_pass_on_is_refused(query: str) -> None:
    with pytest.raises(BadEnvironment, match="DATABASE_URL: options and currentSchema") as refused:
        of(URL + query, DATABASE_POOLER="true")
    assert "hidden" not in str(refused.value)


@pytest.mark.usefixtures("committed")
def test_a_pooler_that_was_not_told_of_is_found_out() -> None:
    assert levels() == [Level.WELL]
    with through_pgbouncer():
        [finding] = pooler()
        assert finding.level is Level.FAULT
        assert finding.advice == "Set DATABASE_POOLER=true for every program, and restart them."


@pytest.mark.usefixtures("committed")
def test_one_that_keeps_sessions_does_no_harm() -> None:
    with through_pgbouncer({"pool_mode": "session"}):
        assert levels() == [Level.WELL]


@pytest.mark.usefixtures("committed")
def test_one_that_was_told_of_is_well_and_to_tell_of_none_is_a_waste() -> None:
    before = connection.settings_dict["OPTIONS"]
    asked(prepare_threshold=None)
    try:
        assert levels() == [Level.WARNING]
        with through_pgbouncer():
            assert levels() == [Level.WELL]
    finally:
        connection.settings_dict["OPTIONS"] = before
        connection.close()


@pytest.mark.usefixtures("committed")
def test_statements_of_two_clients_meet_only_where_the_pooler_is_not_told_of() -> None:
    def by_two() -> list[int]:
        """Of which PgBouncer lends the same session to each."""
        first = run("SELECT 1::int AS n", {})[0]["n"]
        other = connections.create_connection("default")
        try:
            other.connect()
            with psycopg.Cursor(other.connection) as cursor:  # Django's own would prepare nothing
                return [first, cursor.execute(b"SELECT 2::int", prepare=True).fetchone()[0]]
        finally:
            other.close()

    with through_pgbouncer({"default_pool_size": "1"}):
        with pytest.raises(psycopg.Error, match=r"prepared statement .* already exists"):
            by_two()
        asked(prepare_threshold=None)
        assert by_two() == [1, 2]


@pytest.mark.usefixtures("committed")
def test_an_engine_sets_a_session_of_its_own_and_none_that_is_lent() -> None:
    async def asked_for() -> tuple[str, bool]:
        """How it plans, and whether it prepares."""
        async with await connect(None) as engines:
            (row,) = await (await engines.execute("SHOW plan_cache_mode")).fetchall()
            return row[0], engines.prepare_threshold is not None

    assert asyncio.run(asked_for()) == ("force_generic_plan", True)
    with through_pgbouncer({"default_pool_size": "1"}):
        assert asyncio.run(asked_for()) == ("auto", False)
        asked(prepare_threshold=None)
        assert run("SHOW plan_cache_mode", {}) == [{"plan_cache_mode": "auto"}]


@pytest.mark.usefixtures("committed")
def test_a_migration_leaves_no_time_out_in_a_session_that_is_lent() -> None:
    before = connection.settings_dict["OPTIONS"]
    with through_pgbouncer({"default_pool_size": "1"}):
        asked(prepare_threshold=None)
        command = migrate.Command()
        command.database = "default"
        connection.ensure_connection()
        command._wait_for_locks(5)
        assert run("SHOW lock_timeout", {}) == [{"lock_timeout": "0"}]
    assert connection.settings_dict["OPTIONS"] == before


# --- A replica ----------------------------------------------------------------------------------------------------


def test_a_replica_is_a_database_of_its_own_and_never_migrated() -> None:
    assert list(of()) == ["default"]
    found = of(DATABASE_REPLICA_URL="postgresql://u:hidden@other/name", DATABASE_POOL_SIZE="3")
    assert (found["default"]["HOST"], found["replica"]["HOST"]) == ("host", "other")
    assert found["replica"]["OPTIONS"]["pool"]["max_size"] == 3


def test_a_replica_is_not_waited_for_as_long_unless_its_url_says_so() -> None:
    found = of(DATABASE_REPLICA_URL="postgresql://u:hidden@other/name")
    waits = {name: found["replica"]["OPTIONS"][name] for name in ("connect_timeout", "tcp_user_timeout")}
    assert waits == {"connect_timeout": 2, "tcp_user_timeout": 3000}
    assert found["default"]["OPTIONS"]["connect_timeout"] == 5

    url = "postgresql://u:hidden@other/name?connect_timeout=4&tcp_user_timeout=9000"
    options = of(DATABASE_REPLICA_URL=url)["replica"]["OPTIONS"]
    assert (int(options["connect_timeout"]), int(options["tcp_user_timeout"])) == (4, 9000)


@pytest.fixture
def pooled(committed: None) -> Iterator[BaseDatabaseWrapper]:
    """The tests' own server in the place of a replica, through a pool of one."""
    known = connection.settings_dict
    url = url_of(known["HOST"], known["NAME"])
    found = of(DATABASE_REPLICA_URL=url, DATABASE_POOL_SIZE="1")["replica"]
    found["OPTIONS"]["pool"]["timeout"] = 0.1
    connections.settings[REPLICA] = {**known, **found}
    try:
        yield connections[REPLICA]
    finally:
        connections[REPLICA].close()
        connections[REPLICA].close_pool()
        del connections[REPLICA], connections.settings[REPLICA]


def test_a_pool_gives_up_on_a_replica_that_is_silent(
    pooled: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impatience, "SILENCE", 0.1)
    with pooled.cursor() as cursor, pytest.raises(OperationalError, match=r"it was silent for 0\.1 s"):
        cursor.execute("SELECT pg_sleep(0.5)")
    pooled.close()
    with pooled.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_what_may_take_longer_is_waited_for(
    pooled: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impatience, "SILENCE", 0.1)
    with impatience.answers_within(5), pooled.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.2)")


def test_when_a_pool_has_none_left_that_is_an_error_of_djangos(pooled: BaseDatabaseWrapper) -> None:
    pooled.ensure_connection()
    with pytest.raises(OperationalError, match="couldn't get a connection after"):
        pooled.copy().ensure_connection()


def test_the_pool_of_a_replica_that_is_away_floods_no_log() -> None:
    found = of(DATABASE_REPLICA_URL="postgresql://u:hidden@other/name", DATABASE_POOL_SIZE="3")
    logger = logging.getLogger("psycopg.pool")

    def is_told(pool: object) -> bool:
        record = logger.makeRecord(logger.name, logging.WARNING, "", 0, "%r: %s", (pool, "refused"), None)
        return bool(logger.filter(record))

    assert not is_told(found["replica"]["OPTIONS"]["pool"]["name"])
    assert is_told("pool-1")


def test_a_replica_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(BadEnvironment, match="DATABASE_REPLICA_URL does not start with postgresql://"):
        of(DATABASE_REPLICA_URL="mysql://u:hidden@host/db")


# --- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certificates]:
    with throw_away_data("triggers-certificates-") as folder:
        made = make_certificates(folder)
        give_to(account.server_account().pw_name if account.we_are_root() else None, folder)
        yield made


@pytest.mark.usefixtures("committed")
def test_a_server_is_believed_whose_authority_is_known(certificates: Certificates) -> None:
    before = connection.settings_dict["OPTIONS"]
    with through_pgbouncer(only_tls(certificates)):
        asked(**of(f"{URL}?sslmode=verify-full&sslrootcert={certificates.authority}")["default"]["OPTIONS"])
        assert run("SELECT 1 AS n", {}) == [{"n": 1}]
        with transaction.atomic():
            assert connection.connection.pgconn.ssl_in_use
        assert asyncio.run(engine_connects())
    connection.settings_dict["OPTIONS"] = before


@pytest.mark.usefixtures("committed")
def test_one_of_another_authority_or_name_is_refused(certificates: Certificates, tmp_path: Path) -> None:
    other = make_certificates(tmp_path / "other")
    with through_pgbouncer(only_tls(certificates)):
        asked(sslmode="verify-full", sslrootcert=str(other.authority))
        for connecting in (connection.ensure_connection, lambda: asyncio.run(engine_connects())):
            with pytest.raises(
                (OperationalError, psycopg.OperationalError), match="certificate verify failed"
            ):
                connecting()
        asked(sslmode="verify-full", sslrootcert=str(certificates.authority), hostaddr="127.0.0.1")
        connection.settings_dict["HOST"] = "elsewhere.example"
        with pytest.raises(OperationalError, match="does not match host name"):
            connection.ensure_connection()


async def engine_connects() -> bool:
    """Whether its connection, which is made apart from Django's, is encrypted."""
    made: psycopg.AsyncConnection[Any] = await connect(None)
    try:
        await made.execute("SELECT 1")
        return bool(made.pgconn.ssl_in_use)
    finally:
        await made.close()


@pytest.mark.usefixtures("committed")
def test_the_engine_too_takes_any_word_of_libpqs_from_the_url() -> None:
    """As on Debian: the folder of the socket is no host that a URL can name in its place."""
    known, before = connection.settings_dict, dict(connection.settings_dict)
    if not str(before["HOST"]).startswith("/"):
        pytest.skip("TEST_DATABASE_URL names a server that is not this run's own")
    way = f"host={before['HOST']}&user={before['USER']}&application_name=ours"
    found = of(f"postgresql:///{before['NAME']}?{way}")["default"]
    known.update({name: found[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "OPTIONS")})
    try:
        assert asyncio.run(engines_name()) == "ours"
    finally:
        known.clear()
        known.update(before)


async def engines_name() -> str:
    async with await connect(None) as made:
        return made.info.parameter_status("application_name") or ""


def test_there_is_no_replica_here() -> None:
    assert REPLICA not in connections

"""`manage.py doctor`"""

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection, transaction
from django_celery_beat.models import PeriodicTask

from deliveries.heartbeat import beat, beat_of_worker
from organizations import redis_client
from tests.concurrency import in_another_thread
from tests.deliveries.test_sender_tls import certificate
from tests.factories import make_delivery, make_endpoint, make_organization
from triggers_project.doctor import (
    broker,
    certificates,
    clocks,
    deployment,
    postgres,
    postgres_load,
    tables,
    work,
)
from triggers_project.doctor.findings import Finding, Level


def doctor(*arguments: str) -> tuple[int, str]:
    """Its exit code, and what it prints."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def wrong(**options: Any) -> set[str]:
    """What it finds fault with, or warns of: `fault broker`."""
    _, printed = doctor("--json", "--quiet")
    return {f"{one['level']} {one['about']}" for one in json.loads(printed)["findings"]}


def levels(found: Iterator[Finding]) -> list[Level]:
    return [one.level for one in found]


@pytest.fixture
def good_settings(settings: pytest.FixtureDef, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a good deployment has them, with scheduler and workers."""
    settings.SECRETS_ARE_GENERATED = False
    settings.ALLOWED_PRIVATE_NETWORKS = []
    settings.SECRET_KEY = "only-for-this-test-but-long-enough-that-django-is-content-0123456789"
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    # The test's own Valkey writes nothing, and the machine's disk may be as full as it likes.
    monkeypatch.setattr(broker, "_snapshots", lambda server: True)
    monkeypatch.setattr(postgres, "data_folder", lambda: None)
    beat()
    beat_of_worker("deliveries@a")


@pytest.fixture
def all_well(db: None, good_settings: None) -> None:
    """As a good deployment has it."""


@pytest.mark.usefixtures("all_well")
def test_where_all_is_well_it_ends_with_0_and_says_so() -> None:
    code, printed = doctor()
    assert code == 0, printed
    assert printed.endswith("\nAll is well.\n")
    assert "well     migrations: all applied\n" in printed
    assert doctor("--quiet") == (0, "")


@pytest.mark.usefixtures("all_well")
def test_warnings_end_with_1_and_faults_with_2_the_worst_first(settings: pytest.FixtureDef) -> None:
    endpoint = make_endpoint(make_organization())
    make_delivery(endpoint, status="dead_letter")
    assert doctor("--quiet")[0] == 1

    PeriodicTask.objects.filter(task="deliveries.purge").update(enabled=False)
    code, printed = doctor("--quiet")

    assert code == 2
    assert printed.splitlines()[:2] == [
        "FAULT    schedules: The schedule of deliveries.purge is disabled: nothing is ever removed.",
        "         → Enable it in the admin: Periodic tasks.",
    ]
    assert "warning  dead letters: Dead letters in all: 1." in printed


@pytest.mark.usefixtures("all_well")
def test_json_has_the_verdict_and_every_finding() -> None:
    PeriodicTask.objects.filter(task="deliveries.sweep").delete()
    code, printed = doctor("--json")
    document = json.loads(printed)
    assert (code, document["verdict"]) == (2, "faults")
    assert document["findings"][0] == {
        "level": "fault",
        "about": "schedules",
        "words": "The schedule of deliveries.sweep is missing: retries are not sent.",
        "advice": "Make it in the admin: Periodic tasks; every second or ten, in the queue housekeeping.",
    }


@pytest.mark.usefixtures("all_well")
def test_a_silent_scheduler_and_no_worker_are_faults() -> None:
    redis_client.client().flushdb()
    assert wrong() == {"fault work"}


@pytest.mark.usefixtures("all_well", "no_redis")
def test_without_redis_the_rest_is_looked_at() -> None:
    assert wrong() == {"fault redis", "fault work"}


@pytest.mark.usefixtures("good_settings", "no_database")
def test_without_postgresql_the_rest_is_looked_at() -> None:
    code, printed = doctor()
    assert code == 2
    assert printed.startswith("FAULT    database: PostgreSQL can't be reached")
    assert "well     redis: " in printed


@pytest.mark.usefixtures("all_well")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "short", "fault settings"),
        ("DEBUG", True, "fault settings"),
        ("ALLOWED_HOSTS", [], "fault settings"),
        ("SECURE_HSTS_SECONDS", 0, "warning settings"),
        ("SECRETS_ARE_GENERATED", True, "warning settings"),
    ],
)
def test_unsafe_settings(settings: pytest.FixtureDef, name: str, value: Any, expected: str) -> None:
    setattr(settings, name, value)
    assert wrong() == {expected}


@pytest.mark.usefixtures("all_well")
def test_a_key_that_is_missing_is_a_fault(settings: pytest.FixtureDef) -> None:
    make_endpoint(make_organization())
    settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
    assert wrong() == {"fault settings"}


@pytest.mark.usefixtures("all_well")
def test_a_migration_that_is_not_applied_is_a_fault_and_our_tables_are_left_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'deliveries'")
    _, printed = doctor("--quiet")
    assert "FAULT    migrations: Not applied: deliveries.0001_initial." in printed


@pytest.mark.usefixtures("all_well")
def test_an_index_that_is_gone_or_not_valid_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX delivery_open")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'event_of_type'::regclass")
    _, printed = doctor("--quiet")
    assert "The index or constraint delivery_open is missing." in printed
    assert "The index event_of_type is not valid" in printed
    assert printed.count("FAULT") == 2


@pytest.mark.usefixtures("all_well")
def test_a_table_that_autovacuum_leaves_alone_is_a_fault() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deliveries_attempt SET (autovacuum_enabled = false)")
    assert [one.words for one in tables.autovacuum() if one.level is Level.FAULT] == [
        "Autovacuum is off for deliveries_attempt."
    ]


def test_the_schedules_are_those_that_the_migration_makes(db: None) -> None:
    assert set(
        PeriodicTask.objects.exclude(task__startswith="celery.").values_list("task", flat=True)
    ) == set(work.SCHEDULES)


def test_old_transactions_are_told_of_and_those_that_idle(committed: None) -> None:
    ready, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            ready.set()
            done.wait(20)

    with in_another_thread(hold):
        assert ready.wait(20)
        (idle,) = postgres_load.long_transactions(long=0.0, idle=0.0)
        (well,) = postgres_load.long_transactions()
        done.set()
    assert "has been idle in a transaction for 0 s" in idle.words
    assert (idle.level, well.level) == (Level.WARNING, Level.WELL)


@pytest.mark.parametrize(
    ("used", "level"), [(79, Level.WELL), (80, Level.WARNING), (94, Level.WARNING), (95, Level.FAULT)]
)
def test_connections_near_the_end(used: int, level: Level) -> None:
    assert postgres_load.judged(used, 100).level is level


@pytest.mark.parametrize(
    ("free", "level"),
    [(101, Level.WELL), (99, Level.WARNING), (29, Level.FAULT)],
)
def test_a_disk_that_fills_up(free: int, level: Level) -> None:
    assert postgres.judged(free * postgres.GIGABYTE, 1000 * postgres.GIGABYTE).level is level


@pytest.mark.parametrize(("apart", "level"), [(0.9, Level.WELL), (1.0, Level.WARNING), (60.0, Level.FAULT)])
def test_clocks_that_differ(apart: float, level: Level) -> None:
    assert clocks.judged("Redis", apart).level is level


def test_the_clock_of_another_is_compared_with_ours() -> None:
    now = datetime.now(UTC).timestamp()
    (ahead,) = clocks.compare("Redis", lambda: now + 30)
    assert ahead.words == "This machine's clock and Redis's are 30.0 s apart."


@pytest.mark.parametrize(
    ("live", "dead", "is_well"), [(10, 49_999, True), (1_000_000, 200_000, True), (150_000, 50_000, False)]
)
def test_dead_rows_count_where_they_are_many_and_a_large_share(live: int, dead: int, is_well: bool) -> None:
    assert (tables.judged("events_event", live, dead, None) is None) is is_well


def test_a_redis_that_may_throw_things_away_or_keeps_nothing_is_warned_of() -> None:
    redis_client.client().config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = [one.words for one in broker.durability()]
    finally:
        redis_client.client().config_set("maxmemory-policy", "noeviction")
    assert found == ["Redis writes nothing to disk.", "The maxmemory-policy of Redis is allkeys-lru."]


def test_the_folder_of_metrics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "none"))
    assert levels(deployment.metrics_folder()) == [Level.FAULT]
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert levels(deployment.metrics_folder()) == [Level.WELL]
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    assert levels(deployment.metrics_folder()) == [Level.SKIPPED]


# --- The certificate ----------------------------------------------------------------------------------------------


@pytest.fixture
def https(tmp_path: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A server of 127.0.0.1 whose certificate is good for 9 days: its port, and who trusts it."""
    signed, key = certificate("127.0.0.1", last=9)
    pem = tmp_path / "server.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connected, _ = server.accept()
            try:
                serving.wrap_socket(connected, server_side=True).close()
            except OSError:
                connected.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], trusting
        thread.join(10)


def test_a_certificate_that_ends_soon_is_warned_of(https: tuple[int, ssl.SSLContext]) -> None:
    port, context = https
    (found,) = certificates.certificate_of("127.0.0.1", port=port, context=context)
    day = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    assert (found.level, found.words) == (
        Level.WARNING,
        f"The certificate of 127.0.0.1 ends in 8 days, on {day}.",
    )


def test_one_that_nobody_trusts_is_a_fault(https: tuple[int, ssl.SSLContext]) -> None:
    (found,) = certificates.certificate_of("127.0.0.1", port=https[0])
    assert (found.level, found.about) == (Level.FAULT, "certificate")


def test_where_nobody_listens_there_is_none(closed_port: int) -> None:
    assert certificates.certificate_of("127.0.0.1", port=closed_port) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", ".example.com", "*"])
def test_what_is_no_public_name_is_not_asked(host: str) -> None:
    assert not certificates.is_name(host)


def test_its_help_has_examples_and_says_what_exit_codes_mean() -> None:
    command = load_command_class(get_commands()["doctor"], "doctor")
    words = command.create_parser("manage.py", "doctor").format_help()
    assert "examples:\n  manage.py doctor " in words
    assert "\n  2    there are faults: something does not work\n" in words

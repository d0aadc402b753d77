"""Reads from a replica: a real one, of the tests' own server."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import structlog
from django.conf import settings as configured
from django.db import OperationalError, connection, connections, transaction

from events.models import Event
from organizations import redis_client, replica, replica_watch
from organizations.impatient import connection as impatience
from organizations.replica_watch import (
    REPLICA,
    Watch,
    _Mark,
    measured_lag,
    newest_position,
    replayed_position,
)
from tests.factories import make_delivery, make_endpoint, make_event, make_organization
from tests.figures import growth
from tests.flows.journey import until
from tests.flows.setups.pgbouncer import give_to
from tests.flows.setups.replica import following, url_of
from triggers_project.databases import databases
from triggers_project.doctor.findings import Level
from triggers_project.doctor.replica import replica as examined
from triggers_project.environment import Environment
from triggers_project.exporter.figures import ReplicaFigures
from triggers_project.local import account, postgres
from triggers_project.local.embedded import ROLE, socket_dir
from triggers_project.local.throw_away import throw_away_data

pytestmark = pytest.mark.xdist_group("replica")  # one is enough for all of them

READS = "triggers_replica_reads_total"
FALLBACKS = "triggers_replica_fallbacks_total"


@pytest.fixture(scope="module")
def standby(django_db_setup: None) -> Iterator[Path]:
    """The folder of its socket."""
    data_dir = Path(configured.DATA_DIR)
    if not (data_dir / "postgres.log").exists():
        pytest.skip("TEST_DATABASE_URL names a server that is not this run's to copy")
    site = postgres._site(data_dir)
    with throw_away_data("triggers-replica-") as elsewhere:
        elsewhere.mkdir(mode=0o711)
        cluster = site.cluster.with_name("replica-of-tests")
        cluster.mkdir(mode=0o700)
        give_to(site.user, cluster)
        subprocess.run(
            [
                *(site.binaries / "pg_basebackup", "--checkpoint=fast", "--no-sync", "--no-manifest"),
                *("--pgdata", cluster),
                *("--host", socket_dir(data_dir), "--username", ROLE),
            ],
            check=True,
            cwd="/",
            **account.identity(site.user),
        )
        with following(site, cluster, primary=socket_dir(data_dir), log=elsewhere / "replica.log") as found:
            yield found


@pytest.fixture
def with_replica(standby: Path, committed: None) -> Iterator[None]:
    """The settings have one, and it has all there is."""
    url = url_of(standby, str(connection.settings_dict["NAME"]))
    found = databases(Environment({"DATABASE_REPLICA_URL": url}), url)[REPLICA]
    settings = connections.settings[REPLICA] = {**connection.settings_dict, **found}
    replica.forget()
    try:
        caught_up()
        yield
        connections[REPLICA].close()
        settings["HOST"] = str(standby)
        let_go_on()
    finally:
        connections[REPLICA].close()
        del connections[REPLICA], connections.settings[REPLICA]


@pytest.fixture
def tenant(with_replica: None, committed_acme: SimpleNamespace) -> SimpleNamespace:
    """Whose event the replica has."""
    make_delivery(make_endpoint(committed_acme.organization), event=make_event(committed_acme.organization))
    caught_up()
    until_it_answers(committed_acme)
    return committed_acme


def until_it_answers(tenant: SimpleNamespace) -> None:
    """Its own call may have written something, and the replica be behind by just that when it is looked at."""

    def answers() -> bool:
        look_again()
        return growth(READS, lambda: listed(tenant)) == 1

    until(answers, timeout=20, what="the replica answers")


def caught_up() -> None:
    wanted = newest_position()
    until(lambda: replayed_position() >= wanted, timeout=20, what="the replica has caught up")


def hold_up() -> None:
    with connections[REPLICA].cursor() as cursor:
        cursor.execute("SELECT pg_wal_replay_pause()")
        state = "SELECT pg_get_wal_replay_pause_state()"
        until(lambda: cursor.execute(state).fetchone()[0] == "paused", timeout=20, what="it is held up")


def let_go_on() -> None:
    with connections[REPLICA].cursor() as cursor:
        cursor.execute("SELECT pg_wal_replay_resume()")


@contextmanager
def frozen(standby: Path) -> Iterator[None]:
    """All its processes: what is sent to them is taken in, and never answered."""
    postmaster = psutil.Process(int(next(standby.glob(".s.PGSQL.*.lock")).read_text().split()[0]))
    processes = [postmaster, *postmaster.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def look_again() -> None:
    """As it does when a second has passed."""
    replica._Known.watch._next_look = 0.0


def written_event(tenant: SimpleNamespace) -> Event:
    """One that is in the primary's log when it is committed, as everything is in production."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        return make_event(tenant.organization)


def listed(tenant: SimpleNamespace) -> list[str]:
    return [event["id"] for event in tenant.api.get("/api/inbox").json()["items"]]


def test_lists_and_single_reads_are_the_replicas(tenant: SimpleNamespace) -> None:
    event = Event.objects.get()
    delivery = event.deliveries.get()
    for path in (
        "/api/inbox",
        "/api/events",
        '/api/events?payload={"n":1}',
        f"/api/events/{event.pk}",
        "/api/deliveries?status=pending",
        f"/api/deliveries/{delivery.pk}",
    ):
        assert growth(READS, lambda path=path: tenant.api.get(path)) == 1, path


def test_what_decides_or_writes_is_not(tenant: SimpleNamespace) -> None:
    for path in ("/api/endpoints", "/api/keys", "/api/webhook/config"):
        assert growth(READS, lambda path=path: tenant.api.get(path)) == 0, path
    assert (
        tenant.api.post(f"/api/deliveries/{Event.objects.get().deliveries.get().pk}/retry").status_code == 202
    )


def test_an_event_that_has_not_come_there_yet_is_found_all_the_same(tenant: SimpleNamespace) -> None:
    hold_up()
    event = make_event(tenant.organization)
    read = lambda: tenant.api.get(f"/api/events/{event.pk}")  # noqa: E731
    assert read().status_code == 200
    assert growth(FALLBACKS, read, why="missing") == 1


def test_one_that_is_nowhere_is_not_found(tenant: SimpleNamespace) -> None:
    event = make_event(make_organization(name="Rival"))
    assert tenant.api.get(f"/api/events/{event.pk}").status_code == 404


def test_what_was_acknowledged_is_not_listed_again(tenant: SimpleNamespace) -> None:
    hold_up()
    [event] = listed(tenant)
    assert tenant.api.post("/api/ack", {"event_ids": [event]}).status_code == 200
    assert growth(FALLBACKS, lambda: listed(tenant), why="changed") == 1
    assert listed(tenant) == []
    let_go_on()
    caught_up()
    assert growth(READS, lambda: listed(tenant)) == 1
    assert listed(tenant) == []


def test_what_was_posted_is_listed(tenant: SimpleNamespace, door: str) -> None:
    hold_up()
    event = {"type": "order.created", "payload": {"n": 1}}
    posted = [tenant.api.post("/api/events", event).json()["id"]]
    assert growth(FALLBACKS, lambda: listed(tenant), why="changed") == 1
    assert posted[0] in listed(tenant)
    redis_client.client().delete(replica._key(tenant.organization))
    [found] = tenant.api.post("/api/events/batch", {"events": [event]}).json()["results"]
    assert growth(FALLBACKS, lambda: listed(tenant), why="changed") == 1
    assert found["id"] in listed(tenant)


def test_while_redis_is_away_nobody_knows_who_changed_something(
    tenant: SimpleNamespace, no_redis: None
) -> None:
    redis_client.forget_outage()
    assert growth(FALLBACKS, lambda: listed(tenant), why="redis") == 1


def test_one_that_is_far_behind_is_left_out_and_that_is_said_once(
    tenant: SimpleNamespace, settings: pytest.FixtureDef
) -> None:
    settings.DATABASE_REPLICA_LAG = 0
    hold_up()
    event = written_event(tenant)
    with structlog.testing.capture_logs() as facts:
        for _ in range(3):
            look_again()
            assert growth(FALLBACKS, lambda: listed(tenant), why="behind") == 1
    assert str(event.pk) in listed(tenant)
    assert [(fact["event"], fact["why"]) for fact in facts if fact["event"].startswith("replica")] == [
        ("replica.left_out", "behind")
    ]
    settings.DATABASE_REPLICA_LAG = 10
    let_go_on()
    until_it_answers(tenant)


def test_one_that_is_away_is_left_out_and_not_asked_for_some_seconds(
    tenant: SimpleNamespace, tmp_path: Path
) -> None:
    connections[REPLICA].close()
    connections[REPLICA].settings_dict["HOST"] = str(tmp_path)
    with structlog.testing.capture_logs() as facts:
        assert [len(listed(tenant)) for _ in range(3)] == [1, 1, 1]
    assert [fact["why"] for fact in facts if fact["event"] == "replica.left_out"] == ["away"]
    assert replica._Known.watch.why_not(most=10) == "away"
    assert [finding.level for finding in examined()] == [Level.WARNING]
    assert {metric.name: metric.samples[0].value for metric in ReplicaFigures().collect()} == {
        "triggers_replica_up": 0
    }


@pytest.fixture
def hasty(tenant: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """As always, in less time. All that was looked at before stays known."""
    monkeypatch.setattr(impatience, "SILENCE", 0.8)
    monkeypatch.setattr(replica_watch, "LOOK_TAKES", 0.3)
    connections[REPLICA].ensure_connection()
    replica._Known.watch._next_look = time.monotonic() + 60


@pytest.mark.usefixtures("hasty")
def test_one_that_hangs_holds_up_who_looks_and_nobody_else(
    tenant: SimpleNamespace, standby: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, answers, may_end = replica._Known.watch, [], threading.Event()
    note = watch.note_failure

    def note_late(error: Exception) -> None:
        assert may_end.wait(timeout=20)
        note(error)

    def ask() -> None:
        try:
            answers.append(listed(tenant))
        finally:
            connections.close_all()

    monkeypatch.setattr(watch, "note_failure", note_late)
    with frozen(standby):
        look_again()
        (looker := threading.Thread(target=ask)).start()
        until(lambda: watch.why_not(most=10) == "away", timeout=10, what="others leave it out")
        assert watch.why == ""  # as the look is still under way
        may_end.set()
        looker.join(timeout=20)
        assert [len(events) for events in answers] == [1]
        assert growth(FALLBACKS, lambda: listed(tenant), why="away") == 1
    until_it_answers(tenant)


@pytest.mark.usefixtures("hasty")
def test_a_read_that_it_hangs_in_becomes_the_primarys(tenant: SimpleNamespace, standby: Path) -> None:
    asked = []

    def ask() -> None:
        asked.append(replica.reads_from())
        Event.objects.count()

    with frozen(standby):
        assert 0.8 <= seconds_of(lambda: replica.read(tenant.organization, ask)) < 5
    assert asked == [REPLICA, "default"]


@pytest.mark.usefixtures("hasty")
def test_an_exporter_is_not_held_up_by_one_that_hangs(standby: Path) -> None:
    threads = threading.active_count()
    with frozen(standby):
        found = []
        assert seconds_of(lambda: found.extend(ReplicaFigures().collect())) < 5
    assert [(metric.name, metric.samples[0].value) for metric in found] == [("triggers_replica_up", 0)]
    assert threading.active_count() == threads


def test_what_was_known_an_hour_ago_is_not_told_while_another_looks() -> None:
    watch = Watch(why="", caught_up=time.monotonic() - 3600)
    with watch._looking:
        assert watch.why_not(most=10) == "behind"
        watch.caught_up = time.monotonic()
        assert watch.why_not(most=10) == ""


def test_of_two_changes_at_once_the_newer_stays_noted(
    tenant: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis, key = redis_client.client(), replica._key(tenant.organization)
    noted = []
    for position in (900, 1000, 999):
        monkeypatch.setattr(replica, "newest_position", lambda position=position: position)
        replica.note_changes([tenant.organization])
        noted.append(int(redis.get(key)))
    assert noted == [900, 1000, 1000]
    assert 0 < redis.ttl(key) <= configured.DATABASE_REPLICA_LAG + replica.SLACK


def test_a_server_that_replays_nothing_is_no_replica(tenant: SimpleNamespace) -> None:
    connections[REPLICA].close()
    connections[REPLICA].settings_dict["HOST"] = connection.settings_dict["HOST"]
    look_again()
    assert growth(FALLBACKS, lambda: listed(tenant), why="away") == 1
    [finding] = examined()
    assert finding.words.startswith("The replica is of no use: it replays nothing")


def test_a_query_that_the_replica_cancels_is_the_primarys(tenant: SimpleNamespace) -> None:
    """As it does with one that stands in the way of what is replayed."""
    asked = []

    def ask() -> None:
        asked.append(replica.reads_from())
        if asked == [REPLICA]:
            with connections[REPLICA].cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$")

    assert growth(FALLBACKS, lambda: replica.read(tenant.organization, ask), why="canceled") == 1
    assert asked == [REPLICA, "default"]
    assert growth(READS, lambda: listed(tenant)) == 1


def test_an_error_of_the_primary_is_an_error(tenant: SimpleNamespace) -> None:
    def ask() -> None:
        raise OperationalError

    with pytest.raises(OperationalError):
        replica.read(tenant.organization, ask)


def test_under_load_it_is_as_old_as_the_position_that_it_has_come_to() -> None:
    watch = Watch()
    for newest, replayed, expected in (
        (_Mark(1.0, 100), 90, float("-inf")),
        (_Mark(2.0, 200), 150, 1.0),
        (_Mark(3.0, 300), 150, 1.0),
        (_Mark(4.0, 400), 390, 2.0),
        (_Mark(5.0, 500), 500, 5.0),
    ):
        watch._compare(newest, replayed)
        assert watch.caught_up == expected


def test_the_lag_is_measured_and_shown(tenant: SimpleNamespace) -> None:
    assert measured_lag() < 0.5
    assert [finding.level for finding in examined()] == [Level.WELL]
    hold_up()
    written_event(tenant)
    assert measured_lag(patience=0.05) >= 0.05
    let_go_on()
    shown = {metric.name: metric.samples[0].value for metric in ReplicaFigures().collect()}
    assert shown["triggers_replica_up"] == 1
    assert 0 <= shown["triggers_replica_lag_seconds"] < 5


def test_without_one_nothing_of_it_is_shown() -> None:
    assert (list(examined()), list(ReplicaFigures().collect())) == ([], [])

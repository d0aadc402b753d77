"""Limits, heartbeats and the cache on a Redis Cluster, whose parts are on different servers."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from django.core.cache import caches
from redis.cluster import ClusterNode

from deliveries import heartbeat
from organizations import redis_client, replica
from organizations.limits import Budget, look, spend, spend_all
from organizations.models import Organization
from tests.calls import Caller
from tests.flows.journey import until
from tests.flows.setups.cluster import Cluster, clustered
from triggers_project import redis_settings
from triggers_project.doctor import broker, failover
from triggers_project.doctor.findings import Level

MANY = [Budget(f"tenant-{number}", 2) for number in range(12)]


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clustered(tmp_path_factory.mktemp("cluster"), replicas=True) as found:
        yield found


@pytest.fixture
def cluster(running_cluster: Cluster, settings: pytest.FixtureDef) -> Cluster:
    settings.BROKER_URL = settings.REDIS_URL
    settings.REDIS_URL = running_cluster.url
    settings.CACHES = {"default": redis_settings.cache(running_cluster.url)}
    redis_client.client().flushdb()
    return running_cluster


@pytest.mark.usefixtures("cluster")
def test_many_budgets_are_spent_at_once_each_on_its_server() -> None:
    client = redis_client.client()
    assert len({client.get_node_from_key(f"triggers:limit:{each.name}").name for each in MANY}) == 3

    found = spend_all([(budget, 1) for budget in MANY for _ in range(3)])

    assert [each.passed for each in found] == [True, True, False] * len(MANY)
    assert {one.remaining for budget in MANY if (one := look(budget))} == {0}


@pytest.mark.usefixtures("cluster")
def test_workers_and_scheduler_are_heard() -> None:
    heartbeat.beat()
    heartbeat.beat_of_worker("deliveries@host")

    assert heartbeat.scheduler_is_alive()
    (heard,) = heartbeat.workers() or []
    assert (heard.name, heard.is_alive) == ("deliveries@host", True)
    heartbeat.gone("deliveries@host")
    assert heartbeat.workers() == []


@pytest.mark.usefixtures("cluster", "db")
def test_sign_ups_are_counted_in_the_cluster(anyone: Caller, settings: pytest.FixtureDef) -> None:
    settings.SIGNUPS_PER_HOUR = 1
    statuses = [
        anyone.post("/api/keys/generate", {"organization_name": name}).status_code for name in ("a", "b")
    ]
    assert statuses == [201, 429]
    assert len(list(redis_client.client().scan_iter("triggers:1:rl:*"))) == 1
    assert caches["default"].get("nothing") is None


def test_the_doctor_looks_at_each_server(cluster: Cluster) -> None:
    found = [*broker.reach(), *broker.version(), *broker.clock()]
    assert {finding.level for finding in found} == {Level.WELL}
    assert [finding.about for finding in found].count("clocks") == 4  # the broker's is the fourth


@pytest.mark.usefixtures("cluster")
def test_after_an_outage_of_all_nodes_it_still_knows_whom_to_ask(closed_port: int) -> None:
    client = redis_client.client()
    known, gone = client.nodes_manager, ClusterNode("127.0.0.1", closed_port)
    known.slots_cache = {slot: [gone] for slot in range(16384)}
    known.startup_nodes.clear()  # from which redis-py takes each that fails it

    def answers() -> bool:
        try:
            return client.get("key") is None
        except redis.RedisError:
            return False

    assert [answers(), answers()] == [False, True]


@pytest.mark.usefixtures("cluster")
def test_who_changed_something_last_is_noted() -> None:
    keys = [replica._key(Organization(pk=uuid4())) for _ in range(20)]
    for position in (900, 1000, 999):
        replica._note(redis_client.client(), keys, position)
    assert [int(redis_client.client().get(key)) for key in keys] == [1000] * 20


def test_a_server_that_is_killed_holds_nobody_up_and_its_replica_counts_on(cluster: Cluster) -> None:
    budget = Budget("of the lost", 2)
    assert spend(budget).passed
    client = redis_client.client()
    primary = client.get_redis_connection(client.get_node_from_key(f"triggers:limit:{budget.name}"))
    assert primary.wait(1, 5_000) == 1  # a primary that dies takes with it what its replica has not heard
    assert [finding.words for finding in failover.spares()] == ["each primary has a replica"]
    cluster.kill(cluster.primary_of(f"triggers:limit:{budget.name}"))

    before = time.monotonic()
    assert spend(budget).passed  # counted by this process
    assert time.monotonic() - before < 0.5
    until(lambda: look(budget), timeout=20, what="the replica answers")
    assert [one.remaining for one in [look(budget)] if one] == [1]
    assert [finding.level for finding in failover.spares()] == [Level.WARNING]

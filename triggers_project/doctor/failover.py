"""Who is to take over when a Redis is lost: Sentinels and replicas, a cluster's replicas."""

from collections.abc import Iterator
from typing import Any

import redis
from redis.cluster import RedisCluster

from organizations.redis_servers import sentinel_of, servers_of
from triggers_project.doctor.broker import asked
from triggers_project.doctor.findings import Finding, fault, warning, well


def spares() -> Iterator[Finding]:
    """Who is to take over when a server is lost. A single one has none, and is meant so."""
    for connected in asked().values():
        client = connected()
        if isinstance(client, RedisCluster):
            yield from _of_cluster(client)
        elif sentinel := sentinel_of(client):
            yield from _of_sentinel(client, sentinel)


def _of_cluster(client: Any) -> Iterator[Finding]:
    state = client.cluster_info().get("cluster_state")
    if state != "ok":
        advice = (
            "See CLUSTER NODES for who is lost. Until then limits are counted by each process for itself."
        )
        yield fault("redis cluster", f"The cluster's state is {state}.", advice)
    alone = [
        name for name, server in servers_of(client) if not server.info("replication")["connected_slaves"]
    ]
    if alone:
        advice = "Give each primary a replica: else its part is lost with it."
        yield warning("redis cluster", f"No replica follows {', '.join(alone)}.", advice)
    else:
        yield well("redis cluster", "each primary has a replica")


def _of_sentinel(client: Any, sentinel: Any) -> Iterator[Finding]:
    silent = [one for one in sentinel.sentinels if not _answers(one)]
    number = len(sentinel.sentinels)
    if silent:
        advice = "Start them, or correct the URL: without a majority of them nobody takes over."
        yield warning(
            "redis sentinel", f"{len(silent)} of the {number} Sentinels named don't answer.", advice
        )
    if not client.info("replication")["connected_slaves"]:
        yield warning(
            "redis sentinel", "No replica follows the primary.", "Add one: else nobody can take over."
        )
    elif not silent:
        yield well("redis sentinel", f"{number} Sentinels answer, and a replica can take over")


def _answers(sentinel: Any) -> bool:
    try:
        return bool(sentinel.ping())
    except redis.RedisError:
        return False

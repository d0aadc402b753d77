"""What no process counts, looked up once a scrape: how deliveries stand, and who is alive."""

import platform
from collections import Counter
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deliveries import heartbeat
from deliveries.standing import Standing, standing
from organizations.replica_watch import REPLICA, measured_lag
from triggers_project.health import broker_is_up

# Those that a whole system has, which are 0 when they are not there.
ROLES = ("deliveries", "housekeeping")


class DatabaseFigures(Collector):
    """Of deliveries and endpoints; `deliveries/standing.py` counts, up to its bound."""

    def collect(self) -> Iterator[Metric]:
        up = 1
        try:
            yield from _standing(standing())
        except DatabaseError:
            up = 0
        finally:
            connection.close()  # each scrape has a thread of its own, and its connection would outlive it
        yield _gauge("triggers_database_up", "1 when the database answered this scrape.", up)


class ReplicaFigures(Collector):
    """Nothing where there is no replica."""

    def collect(self) -> Iterator[Metric]:
        if REPLICA not in connections:
            return
        up = 1
        try:
            lag = measured_lag()
            yield _gauge("triggers_replica_lag_seconds", "How far the replica is behind the primary.", lag)
        except (DatabaseError, InterfaceError):
            up = 0
        finally:
            connections.close_all()  # as above
        yield _gauge("triggers_replica_up", "1 when the replica answered this scrape, and is one.", up)


class Life(Collector):
    """Who was heard of, and which version this is."""

    def collect(self) -> Iterator[Metric]:
        workers = heartbeat.workers()
        up = workers is not None and broker_is_up()
        yield _gauge("triggers_redis_up", "1 when Redis answered this scrape, the broker's too.", up)
        if workers is not None:
            scheduler = heartbeat.scheduler_is_alive()
            yield _gauge("triggers_scheduler_up", "1 when the scheduler was heard of lately.", scheduler)
            yield _workers(workers)
        build = GaugeMetricFamily("triggers_build_info", "Always 1.", labels=["version", "python"])
        build.add_metric([settings.VERSION, platform.python_version()], 1)
        yield build


def _standing(now: Standing) -> Iterator[Metric]:
    yield _by_state(
        "triggers_backlog",
        "Open deliveries: due, held at an endpoint that takes none, or waiting for their next attempt.",
        {"due": now.due, "held": now.held, "waiting": now.later},
    )
    yield _gauge(
        "triggers_backlog_is_more",
        "1 when there is more at some endpoint than was counted, 10,000 of each kind.",
        now.more,
    )
    oldest = max(0.0, now.oldest_due_seconds or 0.0)
    yield _gauge("triggers_oldest_due_seconds", "How long the oldest that may be sent has been due.", oldest)
    yield _gauge("triggers_dead_letters", "Deliveries given up on; 10,001: more than that.", now.dead)
    yield _by_state(
        "triggers_endpoints",
        "Endpoints; enabled ones with an open circuit are counted as circuit_open.",
        {
            "enabled": now.enabled,
            "paused": now.paused,
            "disabled": now.disabled,
            "circuit_open": now.open_circuits,
        },
    )


def _workers(heard: list[heartbeat.Heard]) -> Metric:
    """By the part of their name before the @, which says what they do."""
    numbers = Counter((one.name.partition("@")[0], "alive" if one.is_alive else "silent") for one in heard)
    found = GaugeMetricFamily(
        "triggers_workers", "Celery workers heard of within the hour.", labels=["role", "state"]
    )
    for role in sorted({*ROLES, *(role for role, _ in numbers)}):
        for state in ("alive", "silent"):
            found.add_metric([role, state], numbers[role, state])
    return found


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, float(value))


def _by_state(name: str, documentation: str, numbers: dict[str, int]) -> Metric:
    found = GaugeMetricFamily(name, documentation, labels=["state"])
    for state, number in numbers.items():
        found.add_metric([state], number)
    return found

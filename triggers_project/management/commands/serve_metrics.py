"""`manage.py serve_metrics`: what Prometheus scrapes, for all processes of this machine together."""

import os
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_FIGURES = """
SELECT
    count(*) FILTER (WHERE next_attempt_at <= now()) AS due,
    count(*) FILTER (WHERE next_attempt_at > now()) AS waiting,
    coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0) AS oldest
FROM deliveries_delivery WHERE status IN ('pending', 'failed')
"""
_DEAD = "SELECT count(*) FROM deliveries_delivery WHERE status = 'dead_letter'"


class Command(BaseCommand):
    help = "Serves /metrics for Prometheus, gathered over all processes (PROMETHEUS_MULTIPROC_DIR)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="0.0.0.0 to be scraped from elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        registry = CollectorRegistry()
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            MultiProcessCollector(registry)
        registry.register(DatabaseFigures())
        start_http_server(settings.METRICS_PORT, addr=options["address"], registry=registry)
        threading.Event().wait()


class DatabaseFigures(Collector):
    """What only the database knows, asked once a scrape."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("triggers_database_up", "1 when the database answered this scrape.")
        try:
            yield from self._figures()
            up.add_metric([], 1)
        except DatabaseError:
            connection.close()
            up.add_metric([], 0)
        yield up

    def _figures(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(_FIGURES)
            due, waiting, oldest = cursor.fetchone()
            cursor.execute(_DEAD)
            (dead,) = cursor.fetchone()
        backlog = GaugeMetricFamily(
            "triggers_backlog", "Open deliveries, by whether they are due.", labels=["state"]
        )
        backlog.add_metric(["due"], due)
        backlog.add_metric(["waiting"], waiting)
        yield backlog
        yield GaugeMetricFamily(
            "triggers_oldest_due_seconds", "How long the oldest has been due.", max(0.0, oldest)
        )
        yield GaugeMetricFamily("triggers_dead_letters", "Deliveries given up on.", dead)

"""`manage.py serve_metrics`: what Prometheus scrapes, for all processes of this machine together."""

import os
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from triggers_project.exporter.ended import AllProcesses
from triggers_project.exporter.figures import DatabaseFigures, Life, ReplicaFigures

FOLD_EVERY = 15.0  # seconds; each scrape does it as well


class Command(BaseCommand):
    help = "Serves /metrics for Prometheus, gathered over all processes (PROMETHEUS_MULTIPROC_DIR)."
    requires_system_checks = []  # `migrate` has said what they find, and they import every page

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="0.0.0.0 to be scraped from elsewhere")
        parser.add_argument(
            "--counts-only",
            action="store_true",
            help="leave out what is looked up for the whole system: for all exporters of it but one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        counts = AllProcesses(Path(folder)) if folder else None
        registry = CollectorRegistry(auto_describe=False)
        for collector in collectors(counts, counts_only=options["counts_only"]):
            registry.register(collector)
        signal.signal(
            signal.SIGTERM, lambda *_: sys.exit(0)
        )  # the first process of a container would ignore it
        start_http_server(settings.METRICS_PORT, addr=options["address"], registry=registry)
        while True:
            time.sleep(FOLD_EVERY)
            if counts is not None:
                counts.fold()


def collectors(counts: AllProcesses | None, *, counts_only: bool) -> list[Collector]:
    if not counts_only:
        return [*([counts] if counts else []), DatabaseFigures(), ReplicaFigures(), Life()]
    if counts is None:
        raise CommandError("--counts-only: nothing is counted here, for PROMETHEUS_MULTIPROC_DIR is not set.")
    return [counts]

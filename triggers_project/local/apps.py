"""The command lines of the product's own programs."""

import sys
from collections.abc import Mapping
from pathlib import Path

from triggers_project.local.program import Program


def app_programs(
    *, data_dir: Path, environ: Mapping[str, str], port: int, receiver_port: int | None = None
) -> list[Program]:
    """web, worker, housekeeper, beat, exporter, and a receiver if it has a port.

    WEB_WORKERS and DELIVERY_WORKERS count. The housekeeper hears the scheduler in a worker of its own: an engine may
    hold each of the worker's children for as long as there is something to send.
    """
    web_workers, delivery_workers = environ.get("WEB_WORKERS") or "2", environ.get("DELIVERY_WORKERS") or "2"
    # Processes that count into one place: the exporter adds up what it finds there.
    shared_metrics = ("/usr/bin/env", f"PROMETHEUS_MULTIPROC_DIR={data_dir / 'metrics'}")
    celery = (sys.executable, "-m", "celery", "--quiet", "-A", "triggers_project")
    manage = (sys.executable, "manage.py")
    programs = [
        Program(
            name="web",
            argv=(*shared_metrics, sys.executable, "-m", "granian", *_web_options(port, web_workers)),
            stop_wait=20,
        ),
        Program(
            name="worker",
            argv=(*shared_metrics, *celery, "worker", *_worker_options(delivery_workers)),
            # Longer than the longest webhook, whose answer is still to be written down.
            stop_wait=40,
        ),
        Program(name="housekeeper", argv=(*shared_metrics, *celery, "worker", *_housekeeper_options())),
        # Without a pid file: supervision sees to it that there is one, and a killed beat would leave it behind.
        Program(name="beat", argv=(*celery, "beat", "--pidfile=", *_quiet_schedule(data_dir))),
        Program(name="exporter", argv=(*shared_metrics, *manage, "serve_metrics")),
    ]
    if receiver_port is not None:
        programs.append(Program(name="receiver", argv=(*manage, "receive", "--port", str(receiver_port))))
    return programs


def _web_options(port: int, workers: str) -> list[str]:
    return [
        *("--interface", "rsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", workers),
        # Connections of one worker: a burst is held here, and not in the kernel where it would time out.
        *("--backlog", "2048", "--backpressure", "2048"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "15"),
        # Requests are logged by the product, with their ids.
        *("--no-access-log", "--log-level", "warning", "--no-ws"),
        "triggers_project.rsgi:application",
    ]


def _worker_options(children: str) -> list[str]:
    return [
        *("--pool", "prefork", "--concurrency", children, "-Q", "deliveries", "-n", "deliveries@%h"),
        *("--without-gossip", "--without-mingle"),
    ]


def _housekeeper_options() -> list[str]:
    return [
        *("--pool", "solo", "-Q", "housekeeping", "-n", "housekeeping@%h"),
        *("--without-gossip", "--without-mingle"),
    ]


def _quiet_schedule(data_dir: Path) -> list[str]:
    return ["--schedule", str(data_dir / "celerybeat-schedule")]

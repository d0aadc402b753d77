"""This process' own side: versions, settings, migrations, the folder of metrics."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.core.checks import ERROR, CheckMessage, run_checks
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor

from triggers_project.doctor.findings import Finding, Level, fault, skipped, well

OLDEST_PYTHON = (3, 11)
DJANGO = (5, 2)
# What nobody should go live with, be it only a warning to Django.
GRAVE = ("security.W009", "security.W018", "security.W020", "triggers.W003")
# By which of our variables it is put right.
ADVICE = {
    "security.W004": "Set HSTS_SECONDS once all is served over https.",
    "security.W009": "Set SECRET_KEY to 50 random characters or more.",
    "security.W012": "Set BEHIND_TLS_PROXY=true behind a proxy that ends TLS: cookies then go over https only.",
    "security.W016": "Set BEHIND_TLS_PROXY=true behind a proxy that ends TLS: cookies then go over https only.",
    "security.W018": "Set DEBUG=false.",
    "security.W020": "Set ALLOWED_HOSTS to the names under which the web answers.",
}


def versions() -> Iterator[Finding]:
    python, framework = ".".join(map(str, sys.version_info[:3])), django.get_version()
    if sys.version_info[:2] < OLDEST_PYTHON or django.VERSION[:2] != DJANGO:
        words = f"Python is {python}, Django is {framework}."
        yield fault("versions", words, "Triggers is made for Python 3.11 or newer, and Django 5.2.")
    else:
        yield well("versions", f"Python {python}, Django {framework}")


def settings() -> Iterator[Finding]:
    """As `manage.py check --deploy` has it, without what only the database knows."""
    yield from _findings(run_checks(include_deployment_checks=True))


def settings_and_keys() -> Iterator[Finding]:
    """Also whether FIELD_ENCRYPTION_KEYS reads what is stored."""
    yield from _findings(run_checks(include_deployment_checks=True, databases=[DEFAULT_DB_ALIAS]))


def _findings(messages: list[CheckMessage]) -> Iterator[Finding]:
    loud = [message for message in messages if not message.is_silenced()]
    for message in loud:
        grave = message.level >= ERROR or message.id in GRAVE
        words, _, rest = " ".join(message.msg.split()).partition(". ")
        advice = ADVICE.get(str(message.id)) or message.hint or rest or "See docs/configuration.md."
        level = Level.FAULT if grave else Level.WARNING
        yield Finding(level, "settings", f"{words.rstrip('.')} ({message.id}).", advice)
    if not loud:
        yield well("settings", "as production wants them")


def unapplied_migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:3])
        more = f" and {len(plan) - 3} more" if len(plan) > 3 else ""
        yield fault("migrations", f"Not applied: {names}{more}.", "Run manage.py migrate.")
    else:
        yield well("migrations", "all applied")


def metrics_folder() -> Iterator[Finding]:
    name = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not name:
        words = "PROMETHEUS_MULTIPROC_DIR is not set here; web, workers and exporter need it."
        yield skipped("metrics", words)
    elif not (Path(name).is_dir() and os.access(name, os.W_OK | os.X_OK)):
        advice = (
            "Make it, empty, and let the account of web and workers write there: they don't start without."
        )
        yield fault("metrics", "PROMETHEUS_MULTIPROC_DIR is no folder that can be written to.", advice)
    else:
        yield well("metrics", "PROMETHEUS_MULTIPROC_DIR can be written to")

"""How long do backup, restore, export and erasure take with so much stored?

`python -m benchmarks.keeping [events]`: 1,000,000 events with their deliveries and attempts unless told otherwise.
PostgreSQL's own programs dump and restore, as docs/backup.md tells; export and erasure are of the largest tenant. The
dump is restored into a second database of the same server, whose rows are then counted against the first's.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from benchmarks.stored import stored
from benchmarks.system import system
from triggers_project.local import wheels
from triggers_project.local.stack import Stack

TABLES = ("events_event", "deliveries_delivery", "deliveries_attempt")


def run(events: int = 1_000_000) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with system() as stack:
        largest = stored(stack, events)[0]["organization"]
        folder = stack.data_dir / "backup"
        found["stored, GB"] = gigabytes(stack.database_url)
        found["dump, s"] = seconds(lambda: dump(stack.database_url, folder))
        found["the dump, GB"] = round(sum(file.stat().st_size for file in folder.iterdir()) / 1e9, 2)
        second = empty_database(stack, "restored")
        found["restore, s"] = seconds(lambda: restore(folder, second))
        found["rows restored, of those stored"] = rows(second) / rows(stack.database_url)
        lines = stack.data_dir / "export.jsonl"
        found["export of the largest tenant, s"] = seconds(
            lambda: stack.manage("export_events", "--organization", largest["id"], "--output", str(lines))
        )
        found["events exported"] = lines.read_bytes().count(b"\n")
        report: dict[str, Any] = {}
        found["erasing the largest tenant, s"] = seconds(lambda: report.update(erased(stack, largest)))
        found["rows erased"] = sum(report["removed"].values())
        found["rows left that name it"] = sum(report["left"].values())
    return found


def seconds(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return round(time.monotonic() - began, 1)


def program(name: str, *arguments: str) -> None:
    subprocess.run([str(wheels.postgres_package() / "pginstall/bin" / name), *arguments], check=True)


def dump(url: str, folder: Path) -> None:
    program("pg_dump", "--dbname", url, "--format", "directory", "--jobs", "2", "--file", str(folder))


def restore(folder: Path, url: str) -> None:
    program("pg_restore", "--dbname", url, "--jobs", "2", "--no-owner", "--exit-on-error", str(folder))


def empty_database(stack: Stack, name: str) -> str:
    """Its URL."""
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(stack.database_url)._replace(path=f"/{name}"))


def gigabytes(url: str) -> float:
    return round(asked(url, sql.SQL("SELECT pg_database_size(current_database())")) / 1e9, 2)


def rows(url: str) -> int:
    return sum(
        asked(url, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))) for table in TABLES
    )


def asked(url: str, question: sql.SQL | sql.Composed) -> int:
    with psycopg.connect(url) as database:
        row = database.execute(question).fetchone()
    assert row is not None
    return int(row[0])


def erased(stack: Stack, tenant: dict[str, Any]) -> dict[str, Any]:
    """The report."""
    report: dict[str, Any] = json.loads(
        stack.manage("erase_organization", tenant["id"], "--yes", tenant["name"], "--json")
    )
    return report


if __name__ == "__main__":
    for name, figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000).items():
        print(f"{figure:>10}  {name}")

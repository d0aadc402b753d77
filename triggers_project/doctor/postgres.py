"""PostgreSQL itself: its version, its clock, and the disk its data is on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from organizations.sql import run
from triggers_project.doctor.clocks import compare
from triggers_project.doctor.findings import Finding, fault, skipped, warning, well

OLDEST = 15
GIGABYTE = 1_000_000_000
SCARCE, TOO_SCARCE = 0.10, 0.03  # of the disk, free
LITTLE, TOO_LITTLE = 5 * GIGABYTE, GIGABYTE
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")


def version() -> Iterator[Finding]:
    row = run("SELECT current_setting('server_version_num')::int AS number, version() AS words", {})[0]
    if row["number"] < OLDEST * 10_000:
        words = f"PostgreSQL is {row['number'] // 10_000}."
        yield fault("database", words, f"Triggers needs PostgreSQL {OLDEST} or newer.")
    else:
        yield well("database", " ".join(row["words"].split()[:2]))


def clock() -> Iterator[Finding]:
    yield from compare(
        "PostgreSQL",
        lambda: run("SELECT extract(epoch FROM clock_timestamp())::float AS now", {})[0]["now"],
    )


def disk() -> Iterator[Finding]:
    folder = data_folder()
    if folder is None:
        words = (
            "PostgreSQL's data is not on this machine, or we may not know where (GRANT pg_read_all_settings)."
        )
        yield skipped("disk", words)
    else:
        usage = shutil.disk_usage(folder)
        yield judged(usage.free, usage.total)


def judged(free: int, total: int) -> Finding:
    words = (
        f"{free / GIGABYTE:,.1f} GB of {total / GIGABYTE:,.1f} GB are free on the disk of PostgreSQL's data."
    )
    advice = "Make room, or take a larger disk; a lower RETENTION_DAYS gives space back to new rows."
    if free < TOO_SCARCE * total or free < TOO_LITTLE:
        return fault("disk", words, advice)
    if free < SCARCE * total or free < LITTLE:
        return warning("disk", words, advice)
    return well("disk", words)


def data_folder() -> Path | None:
    """None when it is another machine's, or only a superuser and pg_read_all_settings may know it."""
    settings = connection.settings_dict
    host = str(settings["HOST"] or settings["OPTIONS"].get("host", ""))
    if host not in LOCAL_HOSTS and not host.startswith("/"):
        return None
    rows = run("SELECT setting FROM pg_settings WHERE name = 'data_directory'", {})
    if not rows:
        return None
    for folder in (Path(rows[0]["setting"]), Path(rows[0]["setting"]).parent):
        try:
            if folder.is_dir():
                return folder
        except PermissionError:
            continue
    return None

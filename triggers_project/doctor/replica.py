"""The replica that the API reads from, if there is one."""

from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from organizations.replica_watch import REPLICA, measured_lag
from triggers_project.doctor.findings import Finding, warning, well


def replica() -> Iterator[Finding]:
    if REPLICA not in connections:
        return
    try:
        lag = measured_lag()
    except (DatabaseError, InterfaceError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        words = f"The replica is of no use: {why}. The primary answers in its place."
        yield warning("replica", words, "Start it, correct DATABASE_REPLICA_URL, or unset it.")
        return
    yield judged(lag, most=settings.DATABASE_REPLICA_LAG)


def judged(lag: float, *, most: float) -> Finding:
    """Both in seconds."""
    words = f"The replica is {lag:,.1f} s behind."
    if lag > most:
        advice = f"The primary answers in its place until it is within {most:g} s. See what holds it up."
        return warning("replica", words, advice)
    return well("replica", words)

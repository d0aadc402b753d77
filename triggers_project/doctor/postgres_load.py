"""Who holds PostgreSQL's connections, and for how long."""

from collections.abc import Iterator

from organizations.sql import run
from triggers_project.doctor.findings import Finding, fault, warning, well

FULL, TOO_FULL = 0.8, 0.95  # of max_connections
LONG_SECONDS, IDLE_SECONDS = 300, 60

_CONNECTIONS = """
SELECT count(*)::int AS used,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
# Without the statement: it may hold what is secret.
_LONG = """
SELECT pid, application_name AS name, coalesce(state, '') AS state,
    extract(epoch FROM clock_timestamp() - xact_start)::float AS seconds,
    extract(epoch FROM clock_timestamp() - state_change)::float AS idle
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
AND xact_start < clock_timestamp() - make_interval(secs => %(least)s)
ORDER BY xact_start LIMIT 20
"""


def connections() -> Iterator[Finding]:
    row = run(_CONNECTIONS, {})[0]
    yield judged(row["used"], row["most"])


def judged(used: int, most: int) -> Finding:
    words = f"{used} of {most} connections are taken."
    advice = "Raise max_connections, or lower WEB_WORKERS, DELIVERY_WORKERS or DATABASE_POOL_SIZE."
    if used >= TOO_FULL * most:
        return fault("connections", words, advice)
    if used >= FULL * most:
        return warning("connections", words, advice)
    return well("connections", words)


def long_transactions(long: float = LONG_SECONDS, idle: float = IDLE_SECONDS) -> Iterator[Finding]:
    """`long` and `idle`: seconds from which one is told of."""
    found = False
    for row in run(_LONG, {"least": float(min(long, idle))}):
        who = f"pid {row['pid']}" + (f" ({row['name']})" if row["name"] else "")
        if row["state"].startswith("idle in transaction") and row["idle"] >= idle:
            words = f"{who} has been idle in a transaction for {row['idle']:.0f} s."
        elif row["seconds"] >= long:
            words = f"{who} has been in one transaction for {row['seconds']:.0f} s."
        else:
            continue
        found = True
        advice = f"See what it is; SELECT pg_terminate_backend({row['pid']}) ends it. Dead rows stay while it lasts."
        yield warning("transactions", words, advice)
    if not found:
        yield well("transactions", "none is old")

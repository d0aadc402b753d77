"""PostgreSQL as Django knows it: the primary, a replica to read from, a pooler on the way (`docs/growing.md`)."""

from typing import Any

import dj_database_url

from organizations.impatient.connection import Impatient
from triggers_project.environment import BadEnvironment, Environment
from triggers_project.logs import REPLICAS_POOL

SCHEMES = ("postgresql", "postgres")
# Statements are prepared when they ask for it (`organizations/sql.py`), and never for being asked often: Django's own
# carry their values in the text.
ONLY_WHEN_ASKED = 1_000_000_000
NEVER = None  # refuses those that ask as well

# Seconds. What stands between may drop one that is silent for minutes, and tell neither side.
KEPT = 60

# Until the operator's URL says otherwise. Who waits for a replica could have asked the primary: it is not waited for as
# long.
WAITS = {"connect_timeout": 5}
REPLICAS_WAITS = {"connect_timeout": 2, "tcp_user_timeout": 3000}


def databases(env: Environment, url: str) -> dict[str, dict[str, Any]]:
    """`default`, and `replica` if there is one. `url` is the primary's."""
    pool_size = env.whole_number("DATABASE_POOL_SIZE", 0, least=0, most=1000)
    pooler = env.boolean("DATABASE_POOLER", default=False)
    found = {"default": _database("DATABASE_URL", url, WAITS, pool_size=pool_size, pooler=pooler)}
    if replica_url := env.url("DATABASE_REPLICA_URL", SCHEMES, default=str):
        found["replica"] = _replica(
            _database("DATABASE_REPLICA_URL", replica_url, REPLICAS_WAITS, pool_size=pool_size, pooler=pooler)
        )
    return found


def _database(name: str, url: str, waits: dict[str, int], *, pool_size: int, pooler: bool) -> dict[str, Any]:
    """Threads of a web process share a pool; a Celery process has one thread, and keeps its connection."""
    found: dict[str, Any] = {
        **dj_database_url.parse(url, conn_max_age=0 if pool_size else KEPT, conn_health_checks=True),
        "ENGINE": "django_prometheus.db.backends.postgresql",
    }
    options = found.get("OPTIONS", {})
    found["OPTIONS"] = {**waits, "prepare_threshold": ONLY_WHEN_ASKED, **options}
    if pooler:
        _share_sessions(name, found)
    if pool_size:
        # While PostgreSQL is away, who waits for a connection holds a thread: not for long. And the pool asks anew
        # every second or so; by default its pauses double, and it would stay away for as long again as PostgreSQL was.
        found["OPTIONS"]["pool"] = {
            "min_size": 1,
            "max_size": pool_size,
            "timeout": 2,
            "reconnect_timeout": 1,
        }
    return found


def _share_sessions(name: str, database: dict[str, Any]) -> None:
    """For a pooler that lends a session for one transaction: nothing may be left in it, or asked of it in advance."""
    if "options" in database["OPTIONS"]:
        raise BadEnvironment(
            f"{name}: options and currentSchema don't get through a pooler (DATABASE_POOLER): set them for the role, "
            "with ALTER ROLE … SET …"
        )
    database["OPTIONS"]["prepare_threshold"] = NEVER
    database["DISABLE_SERVER_SIDE_CURSORS"] = True


def _replica(database: dict[str, Any]) -> dict[str, Any]:
    """One that is silent is given up, whether it was reached anew or through a pool."""
    database["ENGINE"] = "organizations.impatient"
    if "pool" in database["OPTIONS"]:
        database["OPTIONS"]["pool"] |= {"name": REPLICAS_POOL, "connection_class": Impatient}
    return database

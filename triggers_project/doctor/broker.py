"""Redis, or Valkey: its version, its clock, and whether what it holds outlives a restart."""

from collections.abc import Iterator
from typing import Any

import redis

from organizations import redis_client
from triggers_project.doctor.clocks import compare
from triggers_project.doctor.findings import Finding, warning, well

OLDEST = 7


def version() -> Iterator[Finding]:
    server = _info("server")
    name = "Valkey" if "valkey_version" in server else "Redis"
    number = str(server.get("valkey_version") or server["redis_version"])
    if int(number.partition(".")[0]) < OLDEST:
        yield warning(
            "redis", f"{name} is {number}.", f"Take {OLDEST} or newer: older ones get no fixes any more."
        )
    else:
        yield well("redis", f"{name} {number}")


def clock() -> Iterator[Finding]:
    def ask() -> float:
        seconds, microseconds = redis_client.client().time()
        return float(seconds) + microseconds / 1e6

    yield from compare("Redis", ask)


def durability() -> Iterator[Finding]:
    """Nothing of ours is lost with Redis; limits and heartbeats start anew, and a ring may be missed for a second."""
    kept, memory = _info("persistence"), _info("memory")
    if not kept.get("aof_enabled") and not _snapshots():
        advice = "Set appendonly yes, or a save rule: else each restart begins with an empty one."
        yield warning("redis", "Redis writes nothing to disk.", advice)
    if kept.get("aof_enabled") and kept.get("aof_last_write_status", "ok") != "ok":
        yield warning(
            "redis", "Redis could not write its log.", "See its own log, and the space on its disk."
        )
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        advice = "Set maxmemory-policy noeviction: else it throws away messages and limits when it is full."
        yield warning("redis", f"Redis' maxmemory-policy is {policy}.", advice)
    most, used = memory.get("maxmemory", 0), memory.get("used_memory", 0)
    if most and used > 0.9 * most:
        yield warning("redis", f"Redis' memory is {used / most:.0%} full.", "Raise maxmemory.")
    if kept.get("aof_enabled") and policy == "noeviction":
        yield well("redis", "what it holds is written to disk, and nothing is thrown away")


def _snapshots() -> bool:
    """Whether there is a save rule; where we may not ask, we take it that there is one."""
    try:
        return bool(redis_client.client().config_get("save").get("save", ""))
    except redis.ResponseError:
        return True


def _info(section: str) -> dict[str, Any]:
    return dict(redis_client.client().info(section))

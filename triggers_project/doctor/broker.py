"""Redis, or Valkey, each server of it: its version, its clock, and whether what it holds outlives a restart."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import redis
from django.conf import settings

from organizations import redis_client
from organizations.redis_servers import seconds_now, servers_of
from triggers_project.doctor.clocks import compare
from triggers_project.doctor.findings import Finding, fault, warning, well

OLDEST = 7


class Server(NamedTuple):
    """One that takes writes. `where` goes on after its name: empty where there is but one."""

    where: str
    client: Any

    def info(self, section: str) -> dict[str, Any]:
        return dict(self.client.info(section))


def reach() -> Iterator[Finding]:
    """Where the limits are, and where the messages are if they are elsewhere."""
    for name, connected in asked().items():
        try:
            connected().ping()
        except redis.RedisError as error:
            advice = f"Start it, or correct {name}. Until then events are accepted, and nothing is sent."
            if name == "REDIS_URL" and settings.BROKER_URL:
                advice = f"Start it, or correct {name}. Until then each process counts limits for itself."
            yield fault("redis", f"Redis can't be reached: {type(error).__name__}.", advice)


def version() -> Iterator[Finding]:
    for server in _servers():
        about = server.info("server")
        name = ("Valkey" if "valkey_version" in about else "Redis") + server.where
        number = str(about.get("valkey_version") or about["redis_version"])
        if int(number.partition(".")[0]) < OLDEST:
            advice = f"Take {OLDEST} or newer: older ones get no fixes any more."
            yield warning("redis", f"{name} is {number}.", advice)
        else:
            yield well("redis", f"{name} {number}")


def clock() -> Iterator[Finding]:
    for server in _servers():
        yield from compare(f"Redis{server.where}", partial(seconds_now, server.client, ""))


def durability() -> Iterator[Finding]:
    """Nothing of ours is lost with Redis; limits and heartbeats start anew, and a ring may be missed for a second."""
    for server in _servers():
        yield from _durability(server)


def asked() -> dict[str, Callable[[], Any]]:
    """By the setting that names it."""
    limits: dict[str, Callable[[], Any]] = {"REDIS_URL": redis_client.client}
    return limits | ({"BROKER_URL": redis_client.broker} if settings.BROKER_URL else {})


def _servers() -> list[Server]:
    clients = [connected() for connected in asked().values()]
    found = [each for client in clients for each in servers_of(client)]
    names = [name or ("the broker" if number else "") for number, (name, _) in enumerate(found)]
    return [
        Server(f" ({name})" if name else "", client) for name, (_, client) in zip(names, found, strict=True)
    ]


def _durability(server: Server) -> Iterator[Finding]:
    kept, memory, name = server.info("persistence"), server.info("memory"), f"Redis{server.where}"
    if not kept.get("aof_enabled") and not _snapshots(server):
        advice = "Set appendonly yes, or a save rule: else each restart begins with an empty one."
        yield warning("redis", f"{name} writes nothing to disk.", advice)
    if kept.get("aof_enabled") and kept.get("aof_last_write_status", "ok") != "ok":
        yield warning(
            "redis", f"{name} could not write its log.", "See its own log, and the space on its disk."
        )
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        advice = "Set maxmemory-policy noeviction: else it throws away messages and limits when it is full."
        yield warning("redis", f"The maxmemory-policy of {name} is {policy}.", advice)
    most, used = memory.get("maxmemory", 0), memory.get("used_memory", 0)
    if most and used > 0.9 * most:
        yield warning("redis", f"The memory of {name} is {used / most:.0%} full.", "Raise maxmemory.")
    if kept.get("aof_enabled") and policy == "noeviction":
        yield well(
            "redis",
            f"what {server.where.strip(' ()') or 'it'} holds is written to disk, and nothing is thrown away",
        )


def _snapshots(server: Server) -> bool:
    """Whether there is a save rule; where we may not ask, we take it that there is one."""
    try:
        return bool(server.client.config_get("save").get("save", ""))
    except redis.ResponseError:
        return True

"""Clients of whatever a Redis URL names, all alike: they fail soon, and with redis.RedisError."""

from copy import copy
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.credentials import UsernamePasswordCredentialProvider
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from organizations.redis_url import Servers, parse


def connect(url: str, timeout: float) -> Any:
    """A client. `timeout`: seconds, to connect and for each answer. Raises BadRedisURL, redis.RedisError.

    It retries once, without waiting: the pool may hold connections from before a restart. Not after a time-out, which
    would cost it twice.
    """
    servers = parse(url)
    soon = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    if servers.kind == "cluster":
        return _Cluster(servers, soon)
    if servers.kind == "sentinel":
        return _primary(servers, soon)
    return redis.Redis.from_url(url, **soon, **_once_more())


def servers_of(client: Any) -> list[tuple[str, Any]]:
    """A client for each server that takes writes, by host and port; without a name where there is but one."""
    if isinstance(client, RedisCluster):
        nodes = sorted(client.get_primaries(), key=lambda node: str(node.name))
        return [(str(node.name), client.get_redis_connection(node)) for node in nodes]
    return [("", client)]


def seconds_now(client: Any, key: str) -> float:
    """By the clock of the server that holds the key: in a cluster each has its own."""
    where = {"target_nodes": client.get_node_from_key(key)} if isinstance(client, RedisCluster) else {}
    seconds, microseconds = client.time(**where)
    return float(seconds) + microseconds / 1e6


def is_cluster(client: Any) -> bool:
    """Whether what is asked in one go must be of one slot."""
    return isinstance(client, RedisCluster)


def slot_of(client: Any, key: str) -> int:
    """A server that is not of a cluster has but one."""
    return int(client.keyslot(key)) if is_cluster(client) else 0


def sentinel_of(client: Any) -> "Sentinel | None":
    """Who told the client its primary."""
    pool = getattr(client, "connection_pool", None)
    return getattr(pool, "sentinel_manager", None)


def login(servers: Servers) -> dict[str, Any]:
    """For the servers that hold the data, as redis-py has it."""
    return {"username": servers.user, "password": servers.password, **_tls(servers)}


def sentinel_login(servers: Servers) -> dict[str, Any]:
    """For the Sentinels. One that is gone is passed over at once: by default redis-py asks it for seconds.

    Their password is handed over by a provider: redis-py writes all else into the words of its errors.
    """
    known = UsernamePasswordCredentialProvider(servers.sentinel_user, servers.sentinel_password)
    login = {"credential_provider": known} if servers.sentinel_password else {}
    return {**login, **_tls(servers), "retry": Retry(NoBackoff(), 0)}


def _tls(servers: Servers) -> dict[str, Any]:
    return {} if servers.tls is None else {"ssl": True, **servers.tls}


def _once_more() -> dict[str, Any]:
    only = (redis.ConnectionError,)
    return {"retry": Retry(NoBackoff(), 1, supported_errors=only), "retry_on_error": list(only)}


def _primary(servers: Servers, soon: dict[str, Any]) -> Any:
    kind: Any = _Sentinel  # redis-py's own has no types
    sentinel = kind(servers.hosts, sentinel_kwargs={**soon, **sentinel_login(servers)})
    return sentinel.master_for(servers.service, db=servers.db, **login(servers), **soon, **_once_more())


class NoPrimary(redis.RedisError):
    """Sentinels are away, or have not made another the primary yet."""


class _Sentinel(Sentinel):
    def discover_master(self, service_name: str) -> tuple[str, int]:
        """redis-py moves the one that answered to the front, and two threads that do so at once can lose one: so
        each works on a list of its own, of which any is as good as another."""
        own = copy(self)
        own.sentinels = list(self.sentinels)
        try:
            address: tuple[str, int] = Sentinel.discover_master(own, service_name)
        except MasterNotFoundError:  # whose words are long, and after which redis-py would ask them all again
            raise NoPrimary(f"No Sentinel that answers knows a primary of {service_name!r}") from None
        self.sentinels = own.sentinels
        return address


class _Cluster(RedisCluster):
    """Tries but once more, and never after a time-out: its own three retries would hold a request up for seconds."""

    ERRORS_ALLOW_RETRY: Any = (redis.ConnectionError,)

    def __init__(self, servers: Servers, soon: dict[str, Any]) -> None:
        self._named = servers.hosts
        nodes = [ClusterNode(*host) for host in servers.hosts]
        try:
            super().__init__(startup_nodes=nodes, retry=Retry(NoBackoff(), 1), **login(servers), **soon)
        except RedisClusterException as error:
            raise redis.ConnectionError(str(error)) from error

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        theirs: Any = super()  # which has no types
        try:
            return theirs.execute_command(*args, **kwargs)
        except RedisClusterException as error:  # which redis-py does not count as a RedisError
            self._remember_all()
            raise redis.ConnectionError(str(error)) from error
        except (redis.ConnectionError, redis.TimeoutError):
            self._remember_all()
            raise

    def _remember_all(self) -> None:
        """redis-py forgets each node that fails it: after an outage of all of them it would know none to ask."""
        for host, port in self._named:
            node = ClusterNode(host, port)
            self.nodes_manager.startup_nodes.setdefault(node.name, node)

"""What the settings say of Redis: where it is, Django's cache in it, and Celery's messages."""

import ssl
from collections.abc import Callable
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from redis import ConnectionPool, RedisError

from organizations.redis_servers import login, sentinel_login
from organizations.redis_url import BadRedisURL, Servers, parse
from triggers_project.environment import BadEnvironment, Environment

TIMEOUT = 0.25  # seconds, to connect and for each answer: it is a doorbell, and the API goes on without it


def redis_url(env: Environment, name: str, default: Callable[[], str]) -> str:
    """A URL as organizations/redis_url.py has them."""
    raw = env.text(name)
    if not raw:
        return default()
    try:
        servers = parse(raw)
    except BadRedisURL as error:
        raise BadEnvironment(f"{name} {error}") from None
    if servers.kind == "one":
        _look_at_options(name, raw)
    return raw


def _look_at_options(name: str, url: str) -> None:
    """One server's are redis-py's own, which looks at them when it makes a connection; this one connects to nobody."""
    try:
        ConnectionPool.from_url(url).make_connection()
    except (TypeError, ValueError, RedisError) as error:
        options = ", ".join(sorted(parse_qs(urlsplit(url).query)))
        raise BadEnvironment(
            f"{name} has options ({options}), not all of which can be used: {type(error).__name__}"
        ) from None


def broker_url(env: Environment, redis: str) -> str:
    """BROKER_URL, empty when the messages are where everything is."""
    found = redis_url(env, "BROKER_URL", str)
    if parse(found or redis).kind == "cluster":
        raise BadEnvironment(
            f"{'BROKER_URL' if found else 'REDIS_URL'} names a Redis Cluster, on which Celery can't keep its "
            "messages: set BROKER_URL to a small Redis of its own, redis://… or sentinel://…"
        )
    return found


def cache(url: str) -> dict[str, Any]:
    """In a list, because Django would take a comma for the end of a URL."""
    return {
        "BACKEND": "triggers_project.counted_cache.CountedRedisCache",
        "LOCATION": [url],
        "KEY_PREFIX": "triggers",
    }


class CeleryBroker(NamedTuple):
    """Celery's settings of its broker: BROKER_URL, BROKER_USE_SSL, BROKER_TRANSPORT_OPTIONS."""

    url: str
    tls: dict[str, Any] | Literal[False]
    options: dict[str, Any]


def celery_broker(url: str) -> CeleryBroker:
    servers = parse(url)
    options = {
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        # For those who send: a ring fails at once, and the sweep makes up for it. By default it tries for 6 s, and for
        # so long holds up the answer that rings. (Workers wait for their broker as long as it takes, whatever stands
        # here.)
        "max_retries": 0,
        **_sentinel_options(servers),
    }
    return CeleryBroker(_for_kombu(servers), _tls_for_kombu(servers), options)


def _for_kombu(servers: Servers) -> str:
    """It takes a URL for each Sentinel, each with all that the others have: it goes from one to the next."""
    if servers.kind != "sentinel":
        return servers.url
    name, word = quote(servers.user or "", safe=""), quote(servers.password or "", safe="")
    who = f"{name}:{word}@" if name or word else ""
    hosts = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in servers.hosts]
    return ";".join(f"sentinel://{who}{host}/{servers.db}" for host in hosts)


def _sentinel_options(servers: Servers) -> dict[str, Any]:
    if servers.kind != "sentinel":
        return {}
    soon = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    return {"master_name": servers.service, "sentinel_kwargs": {**soon, **sentinel_login(servers)}}


def _tls_for_kombu(servers: Servers) -> dict[str, Any] | Literal[False]:
    """Certificates are looked at unless the URL says otherwise, as by our own client: kombu would not."""
    if servers.tls is None:
        return False
    options = {"ssl_cert_reqs": ssl.CERT_REQUIRED, **login(servers)}
    return {name: value for name, value in options.items() if name.startswith("ssl_")}

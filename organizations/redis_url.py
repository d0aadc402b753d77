"""What a Redis URL names: one server, one behind Sentinels, or a cluster. Taken apart without asking anybody.

    redis://[user:password@]host[:6379][/0]                                         one server
    sentinel://[user:password@]host[:26379][,host…][/mymaster[/0]]                  whatever is primary just then
    cluster://[user:password@]host[:6379][,host…]                                   a Redis Cluster

`rediss`, `sentinels` and `clusters` are the same over TLS. Other tools write redis+sentinel and redis+cluster, or the
service as an option (`/0?service=mymaster`): that is read, too.
"""

import re
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote

Kind = Literal["one", "sentinel", "cluster"]
Host = tuple[str, int]

# Scheme -> what it names, and whether TLS is spoken.
SCHEMES: dict[str, tuple[Kind, bool]] = {
    "redis": ("one", False),
    "rediss": ("one", True),
    "sentinel": ("sentinel", False),
    "sentinels": ("sentinel", True),
    "cluster": ("cluster", False),
    "clusters": ("cluster", True),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
DEFAULT_PORTS: dict[Kind, int] = {"one": 6379, "sentinel": 26379, "cluster": 6379}
DEFAULT_SERVICE = "mymaster"
TLS_OPTIONS = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
CERTIFICATES = ("none", "optional", "required")
SENTINEL_OPTIONS = {"service", "sentinel_username", "sentinel_password"}

_URL = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]+)(?:/(?P<path>[^?#]*))?(?:\?(?P<query>[^#]*))?"
)
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:\s]+))(?::(?P<port>[0-9]{1,5}))?")


class BadRedisURL(ValueError):
    """A URL that can't be used. The message goes on after its name, and repeats no value: it may hold a password."""


class Servers(NamedTuple):
    """`hosts` are the Sentinels', not the server's, where there are any. `tls`: its options, None without TLS."""

    kind: Kind
    url: str
    hosts: tuple[Host, ...]
    user: str | None
    password: str | None
    db: int = 0
    service: str = DEFAULT_SERVICE
    tls: dict[str, Any] | None = None
    sentinel_user: str | None = None
    sentinel_password: str | None = None


def parse(url: str) -> Servers:
    """Raises BadRedisURL."""
    scheme, separator, rest = url.partition("://")
    if scheme not in SCHEMES or not separator or not rest:
        raise BadRedisURL("does not start with redis:// or rediss://, sentinel:// or cluster://")
    kind, tls = SCHEMES[scheme]
    found = _URL.fullmatch(url)
    if found is None:
        raise BadRedisURL("names no host and port that can be read")
    hosts = tuple(_host(word, DEFAULT_PORTS[kind]) for word in found["hosts"].split(","))
    if kind == "one" and len(hosts) > 1:
        raise BadRedisURL("names several servers, as only sentinel:// and cluster:// can")
    user, _, password = (found["login"] or "").partition(":")
    options = _options(kind, found["query"] or "")
    service, db = _service_and_db(kind, found["path"] or "")
    return Servers(
        kind=kind,
        url=url,
        hosts=hosts,
        user=unquote(user) or None,
        password=unquote(password) or None,
        db=db,
        service=options.get("service") or service,
        tls={name: options[name] for name in sorted(TLS_OPTIONS & set(options))} if tls else None,
        sentinel_user=options.get("sentinel_username"),
        sentinel_password=options.get("sentinel_password"),
    )


def masked(url: str) -> str:
    """The URL without its passwords: for people."""
    without = re.sub(r"(?<=://)([^/?#:@]*):[^?#]*@", r"\1:***@", url)
    return re.sub(r"(?<=password=)[^&#]*", "***", without)


def _host(word: str, default_port: int) -> Host:
    found = _HOST.fullmatch(word.strip())
    port = int((found and found["port"]) or default_port)
    if found is None or not 1 <= port <= 65535:
        raise BadRedisURL("names no host and port that can be read")
    return found["six"] or found["name"], port


def _options(kind: Kind, query: str) -> dict[str, Any]:
    """One server's are redis-py's own, and it looks at them; of the others we know each."""
    options: dict[str, Any] = dict(parse_qsl(query))
    known = TLS_OPTIONS | (SENTINEL_OPTIONS if kind == "sentinel" else set())
    unknown = sorted(set(options) - known)
    if kind != "one" and unknown:
        raise BadRedisURL(f"has an option {unknown[0]!r}; known are {', '.join(sorted(known))}")
    if options.get("ssl_cert_reqs", "required") not in CERTIFICATES:
        raise BadRedisURL(f"has an ssl_cert_reqs other than {', '.join(CERTIFICATES)}")
    if "ssl_check_hostname" in options:
        options["ssl_check_hostname"] = options["ssl_check_hostname"].lower() not in ("false", "0", "no")
    return options


def _service_and_db(kind: Kind, path: str) -> tuple[str, int]:
    """Of `mymaster/0`, `mymaster` or `0`."""
    words = [unquote(word) for word in path.split("/") if word]
    service = words.pop(0) if kind == "sentinel" and words and not words[0].isdecimal() else DEFAULT_SERVICE
    if kind != "one" and (len(words) > 1 or not all(word.isdecimal() for word in words)):
        raise BadRedisURL(
            "has a path that can't be read: it is /service/0 for Sentinel, and nothing for a cluster"
        )
    db = int(words[0]) if words and words[0].isdecimal() else 0
    if kind == "cluster" and db:
        raise BadRedisURL("names a database of a cluster, which has none but 0")
    return service, db

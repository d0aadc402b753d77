"""Where a webhook may go, asked when an endpoint is set. Sending asks again: the URL, and the address at the socket."""

import ipaddress
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong

from django.conf import settings
from yarl import URL

from deliveries.errors import ForbiddenTarget
from deliveries.networks import may_be_called

LONGEST_URL = 2048
DNS_SECONDS = 3.0

# The last part of a host that some programs read as a number, and then the whole of it as an IPv4 address.
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)$", re.IGNORECASE)
_PORT = re.compile(r"(\[[^]]*\]|[^:[]*)(:[0-9]*)?")

_lookups = ThreadPoolExecutor(max_workers=8, thread_name_prefix="dns")


def check_target(url: str) -> None:
    """Raises ForbiddenTarget, with the reason, for a URL that webhooks may not be sent to.

    A name that does not resolve now is let through: it may tomorrow, and it is checked at each connection. Asks the
    DNS, for up to 3 seconds; not to be called inside a transaction.
    """
    parsed = parse_target(url)
    host, port = (parsed.host or "").rstrip("."), parsed.port or 0
    for address in _addresses(host, port):
        if not may_be_called(address, allowed=settings.ALLOWED_PRIVATE_NETWORKS):
            raise ForbiddenTarget(f"{host} is, or resolves to, an address that is not public.")


def parse_target(url: str) -> URL:
    """The URL as the sender's own parser sees it. Raises ForbiddenTarget for what can't be a receiver's."""
    if len(url) > LONGEST_URL:
        raise ForbiddenTarget(f"A URL may have {LONGEST_URL} characters.")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise ForbiddenTarget("The URL holds a space, a backslash or a control character.")
    parsed = _parsed(url)
    if parsed.scheme not in ("http", "https") or not (parsed.host or "").rstrip(".") or not parsed.port:
        raise ForbiddenTarget("A URL must begin with http:// or https:// and name a host.")
    if "@" in _authority(url) or parsed.user is not None:
        raise ForbiddenTarget("A URL may not hold a user name or a password.")
    if parsed.raw_fragment or "#" in url:
        raise ForbiddenTarget("A URL may not have a fragment (#...).")
    _check_host(parsed.host or "", url)
    return parsed


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
        _ = parsed.host, parsed.port  # looked at only when they are asked for
    except ValueError:
        raise ForbiddenTarget("This is not a URL.") from None
    return parsed


def _authority(url: str) -> str:
    return re.split("[/?#]", url.partition("://")[2])[0]


def _check_host(host: str, url: str) -> None:
    authority = _authority(url)
    if ":" not in host and any(character in authority for character in "%["):
        raise ForbiddenTarget("This is not a URL.")
    if not _PORT.fullmatch(authority):
        raise ForbiddenTarget("This is not a URL: its port is not a number.")
    if _ENDS_IN_A_NUMBER.search(host.rstrip(".")) and not _is_ipv4(host):
        raise ForbiddenTarget("The host ends in a number, so it must be an IPv4 address: 4 decimal numbers.")


def _is_ipv4(host: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False


def _addresses(host: str, port: int) -> list[str]:
    if ":" in host:  # the DNS knows nothing of it, nor of a zone id that this machine lacks
        return [host]
    lookup = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        return [str(found[4][0]) for found in lookup.result(timeout=DNS_SECONDS)]
    except UnicodeError:
        raise ForbiddenTarget("This is not a URL: no host can have that name.") from None
    except (OSError, TookTooLong):
        return []

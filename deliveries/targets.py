"""Where a webhook may go, asked when an endpoint is set. Sending asks again, at the socket (`sender.py`)."""

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong

from django.conf import settings
from yarl import URL

from deliveries.errors import ForbiddenTarget
from deliveries.networks import may_be_called

LONGEST_URL = 2048
DNS_SECONDS = 3.0

_lookups = ThreadPoolExecutor(max_workers=8, thread_name_prefix="dns")


def check_target(url: str) -> None:
    """Raises ForbiddenTarget, with the reason, for a URL that webhooks may not be sent to.

    A name that does not resolve now is let through: it may tomorrow, and it is checked at each connection. Asks the
    DNS, for up to 3 seconds; not to be called inside a transaction.
    """
    host, port = _parse(url)
    for address in _addresses(host, port):
        if not may_be_called(address, allowed=settings.ALLOWED_PRIVATE_NETWORKS):
            raise ForbiddenTarget(f"{host} is, or resolves to, an address that is not public.")


def _parse(url: str) -> tuple[str, int]:
    """Host and port as the sender's own parser sees them."""
    if len(url) > LONGEST_URL:
        raise ForbiddenTarget(f"A URL may have {LONGEST_URL} characters.")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise ForbiddenTarget("The URL holds a space, a backslash or a control character.")
    try:
        parsed = URL(url)
        host, port = (parsed.host or "").rstrip("."), parsed.port
    except ValueError:
        raise ForbiddenTarget("This is not a URL.") from None
    if "%" in host and ":" not in host:
        raise ForbiddenTarget("This is not a URL.")
    if parsed.scheme not in ("http", "https") or not host or not port:
        raise ForbiddenTarget("A URL must begin with http:// or https:// and name a host.")
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    if "@" in authority or parsed.user is not None:
        raise ForbiddenTarget("A URL may not hold a user name or a password.")
    if parsed.raw_fragment or "#" in url:
        raise ForbiddenTarget("A URL may not have a fragment (#...).")
    return host, port


def _addresses(host: str, port: int) -> list[str]:
    lookup = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        return [str(found[4][0]) for found in lookup.result(timeout=DNS_SECONDS)]
    except UnicodeError:
        raise ForbiddenTarget("This is not a URL: no host can have that name.") from None
    except (OSError, TookTooLong):
        return []

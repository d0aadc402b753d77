"""The TLS certificate under which this machine serves, where it is this machine that does."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings

from triggers_project.doctor.findings import Finding, fault, skipped, warning, well

SOON_DAYS = 14
SECONDS = 3.0
HTTPS = 443


def certificates() -> Iterator[Finding]:
    """Of the names in ALLOWED_HOSTS that lead to this machine."""
    found = [one for host in settings.ALLOWED_HOSTS if is_name(host) for one in certificate_of(host)]
    yield from found or [skipped("certificate", "No name in ALLOWED_HOSTS leads to https on this machine.")]


def is_name(host: str) -> bool:
    """Neither a pattern, nor an address, nor this machine's name for itself."""
    return not (host.startswith((".", "*", "[")) or host == "localhost" or host.replace(".", "").isdigit())


def certificate_of(host: str, *, port: int = HTTPS, context: ssl.SSLContext | None = None) -> list[Finding]:
    """Nothing where the name leads elsewhere, or nobody listens."""
    address = _own_address(host, port)
    if address is None:
        return []
    try:
        with socket.create_connection(address, timeout=SECONDS) as plain:
            context = context or ssl.create_default_context()
            with context.wrap_socket(plain, server_hostname=host) as secure:
                until = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        words = f"The certificate of {host} is not valid: {error.verify_message}."
        return [fault("certificate", words, "Renew it: callers refuse to talk to this server.")]
    except OSError:
        return []
    return [judged(host, datetime.fromtimestamp(until, UTC), datetime.now(UTC))]


def judged(host: str, until: datetime, now: datetime) -> Finding:
    days = (until - now).days
    if days < SOON_DAYS:
        words = f"The certificate of {host} ends in {days} days, on {until:%Y-%m-%d}."
        return warning("certificate", words, "Renew it, and see why that does not happen by itself.")
    return well("certificate", f"that of {host} is valid for {days} days")


def _own_address(host: str, port: int) -> tuple[str, int] | None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    for family, _, _, _, address in found:
        with socket.socket(family) as probe:
            try:
                probe.bind((address[0], 0))  # only an address of this machine can be bound
            except OSError:
                continue
            return str(address[0]), port
    return None

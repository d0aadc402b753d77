"""One HTTP POST, with a deadline to the last byte, to an address that was checked. The answer is a value.

No redirects, no cookies, no proxy from the environment, no decompression, at most 16 KiB of the answer.
"""

import asyncio
import os
import resource
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from deliveries.errors import ForbiddenTarget
from deliveries.networks import Network, may_be_called
from deliveries.outcome import (
    BROKEN,
    FORBIDDEN,
    TIMEOUT,
    UNREACHABLE,
    Outcome,
    answered,
)
from deliveries.targets import parse_target

CONNECT_SECONDS = 5.0
MOST_ANSWER = 16 * 1024  # bytes kept
KEEP_ALIVE_SECONDS = 4.0  # below the 5 s after which many servers hang up
DNS_CACHE_SECONDS = 10
LOOKUPS = 128  # at once


class ForbiddenAddress(Exception):
    """The host leads to an address that may not be called."""


def allow_many_connections() -> None:
    """As many open files as the system lets us have: each receiver's kept connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@dataclass(slots=True)
class Progress:
    """How far one send came: whether it made a connection of its own, and what the answer began with."""

    connected: bool = False
    status_code: int | None = None


# Sends are tasks of their own; the socket factory is told in this way whose socket it makes.
_progress: ContextVar[Progress] = ContextVar("progress")
_parsed = lru_cache(maxsize=4096)(parse_target)


class CheckedResolver(AbstractResolver):
    """Refuses a name of which any answer is not allowed."""

    def __init__(self, allowed: list[Network]) -> None:
        self.allowed = allowed
        self.resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        async with asyncio.timeout(CONNECT_SECONDS):
            found = await self.resolver.resolve(host, port, family)
        if not all(may_be_called(answer["host"], allowed=self.allowed) for answer in found):
            raise ForbiddenAddress(host)
        return found

    async def close(self) -> None:
        await self.resolver.close()


class Sender:
    """Sends for one process. Made inside a running loop, closed with `close()`."""

    def __init__(
        self, *, allowed: list[Network], timeout: float, trusted: ssl.SSLContext | None = None
    ) -> None:
        """`trusted` stands in for the certificate authorities of the system."""
        self.allowed = allowed
        self.trusted = trusted
        self.timeout = timeout
        allow_many_connections()
        # Names are looked up in threads: enough of them, so that one tenant's slow names do not keep out all others.
        lookups = ThreadPoolExecutor(max_workers=LOOKUPS, thread_name_prefix="dns")
        asyncio.get_running_loop().set_default_executor(lookups)
        self.session = self._session(keepalive_timeout=KEEP_ALIVE_SECONDS)
        self.without_keep_alive = self._session(force_close=True)

    def _session(self, **connections: Any) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ttl_dns_cache=DNS_CACHE_SECONDS,
                resolver=CheckedResolver(self.allowed),
                socket_factory=self._checked_socket,
                ssl=self.trusted or True,
                **connections,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_SECONDS, self.timeout)),
            headers={"Accept": "*/*", "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self.session.close()
        await self.without_keep_alive.close()

    async def send(self, url: str, body: bytes, headers: dict[str, str], *, now: datetime) -> Outcome:
        """Never raises for what the other side does. `now` is what a Retry-After date is measured from."""
        progress = Progress()
        _progress.set(progress)
        try:
            async with asyncio.timeout(self.timeout):
                try:
                    return await self._post(self.session, url, body, headers, now, progress)
                except (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError):
                    if progress.connected or progress.status_code is not None:
                        raise
                    # A kept connection that the receiver had closed meanwhile is no answer of the receiver's. Once
                    # more, on a new one: the next in the pool may be closed as well.
                    return await self._post(self.without_keep_alive, url, body, headers, now, progress)
        except ForbiddenTarget as error:
            return Outcome(FORBIDDEN, error=f"It was not called: {error}")
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, ForbiddenAddress) as error:
            return failure(error, status_code=progress.status_code, timeout=self.timeout)

    async def _post(
        self,
        session: aiohttp.ClientSession,
        url: str,
        body: bytes,
        headers: dict[str, str],
        now: datetime,
        progress: "Progress",
    ) -> Outcome:
        async with session.post(_parsed(url), data=body, headers=headers, allow_redirects=False) as response:
            progress.status_code = response.status
            text = await _first_bytes(response)
            return answered(response.status, headers=_kept_headers(response), body=text, now=now)

    def _checked_socket(self, address: tuple[Any, ...]) -> socket.socket:
        """The last gate, and the only one for hosts that are addresses: what is checked is what is connected to."""
        family, kind, protocol, _, target = address
        if not may_be_called(str(target[0]), allowed=self.allowed):
            raise ForbiddenAddress(str(target[0]))
        _progress.get().connected = True
        return socket.socket(family, kind, protocol)


async def _first_bytes(response: aiohttp.ClientResponse) -> str:
    """At most MOST_ANSWER bytes as text; the connection is closed when there is more."""
    kept = bytearray()
    while len(kept) <= MOST_ANSWER:
        part = await response.content.read(MOST_ANSWER + 1 - len(kept))
        if not part:
            break
        kept += part
    if len(kept) > MOST_ANSWER:
        response.close()
    return storable(bytes(kept[:MOST_ANSWER]).decode(errors="replace"))


def _kept_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """At most 50, each cut at 1,000 characters."""
    found = list(response.headers.items())[:50]
    return {storable(name)[:200]: storable(value)[:1000] for name, value in found}


def storable(text: str) -> str:
    """PostgreSQL's text can't hold NUL, nor UTF-8 half a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def failure(error: Exception, *, status_code: int | None, timeout: float) -> Outcome:
    """What went wrong, in words."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Outcome(TIMEOUT, error=f"No connection within {min(CONNECT_SECONDS, timeout):g} s.")
    if isinstance(error, TimeoutError):
        begun = "" if status_code is None else f" It had begun to answer, with {status_code}."
        return Outcome(TIMEOUT, status_code, f"No whole answer within {timeout:g} s.{begun}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Outcome(UNREACHABLE, error=f"Its TLS certificate is not valid: {_certificate_fault(error)}.")
    for error_class, kind, words in _WORDS:
        if isinstance(error, error_class):
            return Outcome(kind, status_code, words)
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = os.strerror(error.os_error.errno) if error.os_error.errno else "nobody answers"
        return Outcome(UNREACHABLE, error=f"No connection: {reason}.")
    return Outcome(BROKEN, status_code, "The connection ended before the answer did.")


_WORDS: list[tuple[type[Exception], str, str]] = [
    (ForbiddenAddress, FORBIDDEN, "The host leads to an address that is not public; it was not called."),
    (aiohttp.ClientConnectorDNSError, UNREACHABLE, "The host name does not resolve."),
    (aiohttp.ClientSSLError, UNREACHABLE, "The TLS handshake failed."),
    (aiohttp.ClientResponseError, BROKEN, "What came back is not HTTP."),
    (ValueError, UNREACHABLE, "The URL can't be used."),  # aiohttp.InvalidURL, and a host that IDNA refuses
]


# X509_V_ERR_... of OpenSSL's x509_vfy.h.
_CERTIFICATE_FAULTS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "nobody we trust has signed it (self-signed)",
    19: "its chain leads to nobody we trust",
    20: "its chain leads to nobody we trust",
    21: "its chain leads to nobody we trust",
}


def _certificate_fault(error: aiohttp.ClientConnectorCertificateError) -> str:
    cause = error.certificate_error
    if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code not in (62, 64):
        return _CERTIFICATE_FAULTS.get(cause.verify_code, cause.verify_message)
    return f"it is for another name than {error.host}"

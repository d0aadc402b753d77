"""One HTTP POST, with a deadline to the last byte, to an address that was checked. The answer is a value.

No redirects, no cookies, no proxy from the environment, no decompression, at most 16 KiB of the answer.
"""

import asyncio
import resource
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import aiohttp

from deliveries import certificates
from deliveries.connector import CONNECT_SECONDS, CheckedConnector, ForbiddenAddress
from deliveries.errors import ForbiddenTarget
from deliveries.failures import failure
from deliveries.message import OF_EVERY_REQUEST
from deliveries.networks import Network
from deliveries.outcome import FORBIDDEN, UNREACHABLE, Outcome, answered
from deliveries.progress import Progress, of_this_send
from deliveries.targets import parse_target

MOST_ANSWER = 16 * 1024  # bytes kept
KEEP_ALIVE_SECONDS = 4.0  # below the 5 s after which many servers hang up
LOOKUPS = 128  # at once


def allow_many_connections() -> None:
    """As many open files as the system lets us have: each receiver's kept connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# A reset is a ClientOSError while something is written or read, and one of Python's own before that.
_BROKEN_OFF = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError, BrokenPipeError)
_parsed = lru_cache(maxsize=4096)(parse_target)


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
            connector=CheckedConnector(allowed=self.allowed, ssl=self.trusted or True, **connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_SECONDS, self.timeout)),
            headers=OF_EVERY_REQUEST,
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self.session.close()
        await self.without_keep_alive.close()

    async def send(self, url: str, body: bytes, headers: dict[str, str], *, now: datetime) -> Outcome:
        """Never raises for what the other side does. `now` is what a Retry-After date is measured from."""
        progress = Progress()
        of_this_send.set(progress)
        try:
            async with asyncio.timeout(self.timeout):
                try:
                    return await self._post(self.session, url, body, headers, now, progress)
                except aiohttp.ClientConnectorCertificateError as error:
                    return await self._not_valid(error, now, progress)
                except _BROKEN_OFF as error:
                    if isinstance(error, aiohttp.ClientConnectorError) or not progress.was_hung_up_on:
                        raise
                    # A kept connection that the receiver had closed meanwhile is no answer of the receiver's. Once
                    # more, on a new one: the next in the pool may be closed as well.
                    return await self._post(self.without_keep_alive, url, body, headers, now, progress)
        except ForbiddenTarget as error:
            return Outcome(FORBIDDEN, error=f"It was not called: {error}")
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, ForbiddenAddress) as error:
            return failure(
                error,
                status_code=progress.status_code,
                timeout=self.timeout,
                reached=progress.reached,
                timings=progress.timings,
            )

    async def _post(
        self,
        session: aiohttp.ClientSession,
        url: str,
        body: bytes,
        headers: dict[str, str],
        now: datetime,
        progress: Progress,
    ) -> Outcome:
        async with session.post(_parsed(url), data=body, headers=headers, allow_redirects=False) as response:
            progress.status_code = response.status
            text = await _first_bytes(response)
            headers = _kept_headers(response)
            return answered(response.status, headers=headers, body=text, now=now, timings=progress.timings)

    async def _not_valid(
        self, error: aiohttp.ClientConnectorCertificateError, now: datetime, progress: Progress
    ) -> Outcome:
        connector = cast(CheckedConnector, self.session.connector)
        fault = await certificates.fault(error, connector=connector, address=progress.address, now=now)
        words = f"Its TLS certificate is not valid: {fault}."
        return Outcome(UNREACHABLE, error=words, timings=progress.timings)


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

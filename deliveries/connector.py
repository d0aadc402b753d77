"""Connections to receivers: only to addresses that were checked, and no answer that never comes to its point.

aiohttp asks a resolver about names only. So the address is checked again at the socket: what was checked is what is
connected to, and nothing else is.
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import is_ip_address

from deliveries.networks import Network, may_be_called
from deliveries.progress import Address, of_this_send

CONNECT_SECONDS = 5.0
DNS_CACHE_SECONDS = 10
MOST_INTERIM = 100  # answers of 1xx before the one that counts


class ForbiddenAddress(Exception):
    """The host leads to an address that may not be called."""


class TooManyInterim(aiohttp.ClientError):
    """A receiver that says 1xx again and again, and keeps us busy with it."""


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


class CheckedConnector(aiohttp.TCPConnector):
    """Tells the send that it connects for (`progress.py`) how far it came."""

    def __init__(self, *, allowed: list[Network], **options: Any) -> None:
        super().__init__(
            limit=0,
            ttl_dns_cache=DNS_CACHE_SECONDS,
            resolver=CheckedResolver(allowed),
            socket_factory=self.checked_socket,
            **options,
        )
        self._allowed = allowed
        # Not an option of aiohttp's: the floods in the tests would tell if it were no longer looked at.
        self._factory = cast("partial[ResponseHandler]", partial(_Answers, loop=self._loop))

    def checked_socket(self, address: Address) -> socket.socket:
        """Not connected yet. ForbiddenAddress."""
        family, kind, protocol, _, target = address
        if not may_be_called(str(target[0]), allowed=self._allowed):
            raise ForbiddenAddress(str(target[0]))
        made = socket.socket(family, kind, protocol)
        of_this_send.get().connecting(made, address)
        return made

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[Any] | None = None
    ) -> list[ResolveResult]:
        """aiohttp's own, timed: it is where sends wait for a lookup that another has begun."""
        began = time.perf_counter()
        try:
            return await super()._resolve_host(host, port, traces)
        finally:
            if not is_ip_address(host):
                of_this_send.get().dns = time.perf_counter() - began


class _Answers(ResponseHandler):
    """What one connection says. Interim answers (RFC 9110, section 15.2) are read over, but not without end."""

    interim = 0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """asyncio makes it when TCP is connected, and calls `connection_made` when TLS is there as well."""
        super().__init__(loop)
        self.progress = of_this_send.get()
        self.progress.connected_at = time.perf_counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if transport.get_extra_info("sslcontext") is not None:
            self.progress.secured_at = time.perf_counter()
        super().connection_made(transport)

    def set_response_params(self, **options: Any) -> None:
        """A send begins to use it. What comes in is told by the loop, which knows nothing of sends."""
        self.progress = of_this_send.get()
        self.progress.asking()
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        if self.progress.first_byte_at is None:
            self.progress.first_byte_at = time.perf_counter()
        super().data_received(data)

    def feed_data(self, data: Any, size: int = 0) -> None:
        code = data[0].code
        self.interim = self.interim + 1 if 100 <= code < 200 and code != 101 else 0
        if self.interim > MOST_INTERIM:
            self._give_up()
        else:
            super().feed_data(data, size)

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()
        if self.exception() is None:
            self.set_exception(TooManyInterim())

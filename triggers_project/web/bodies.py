"""A request's body as it comes from the socket: waited for in the event loop, so that who dawdles holds no thread."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol, cast

from granian._granian import RSGIProtocolClosed as ProtocolClosed

from organizations.errors import BodyTooSlow

BODY_SECONDS = 30  # for a whole body, from when its request is there


class Source(Protocol):
    """What granian hands over with a request (RSGI: HTTPProtocol), as far as bodies go."""

    def __call__(self) -> Awaitable[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class IncomingBody:
    """`declared` is what Content-Length says; None: the body is chunked, or there is none.

    A body that breaks off ends early; whether it is whole is told by `declared`, or by what it holds.
    """

    def __init__(self, source: Source, *, declared: int | None, chunked: bool) -> None:
        self.declared, self.chunked = declared, chunked
        self.received = b""
        self.ended = not declared and not chunked
        self._source = source
        self._parts: AsyncIterator[bytes] | None = None
        self._deadline = time.monotonic() + BODY_SECONDS  # the clock of event loops
        self._given_up = False

    def is_whole(self) -> bool:
        return self.ended and self.declared in (None, len(self.received))

    async def receive(self, limit: int) -> None:
        """Until it has ended, or more than `limit` bytes are here. BodyTooSlow: neither within BODY_SECONDS."""
        if self.ended:
            return
        if self._parts is None and self.declared is not None and self.declared <= limit:
            await self._receive_whole()
            return
        try:
            async with asyncio.timeout_at(self._deadline):
                await self._receive_parts(limit)
        except TimeoutError:
            raise BodyTooSlow(BODY_SECONDS) from None

    async def _receive_whole(self) -> None:
        """With one timer, which is all that `asyncio.timeout` comes to here: nearly every body that is accepted is
        there already, and a context for each costs more than reading its event."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        timer = asyncio.get_running_loop().call_at(self._deadline, self._give_up, task)
        try:
            self.received = await self._source()
        except ProtocolClosed:
            pass  # it broke off
        except asyncio.CancelledError:
            if self._given_up and task.uncancel() == 0:
                raise BodyTooSlow(BODY_SECONDS) from None
            raise
        finally:
            timer.cancel()
        self.ended = True

    def _give_up(self, task: "asyncio.Task[Any]") -> None:
        self._given_up = True
        task.cancel()

    async def _receive_parts(self, limit: int) -> None:
        parts, size = [self.received], len(self.received)
        try:
            while size <= limit and (part := await self._next()) is not None:
                parts.append(part)
                size += len(part)
        finally:
            self.received = b"".join(parts)

    async def _next(self) -> bytes | None:
        if self._parts is None:
            self._parts = aiter(self._source)
        try:
            return await anext(self._parts)
        except StopAsyncIteration:
            self.ended = True
            return None

    def stream(self) -> Any:
        """For a thread, which waits for what has not come yet. Reading raises BodyTooSlow as `receive` does."""
        if self.ended:
            return io.BytesIO(self.received)
        return io.BufferedReader(_Rest(self, asyncio.get_running_loop()))

    async def next_part(self) -> bytes:
        """What comes next, b"" at the end. BodyTooSlow as with `receive`."""
        if self.ended:
            return b""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._next() or b""
        except TimeoutError:
            raise BodyTooSlow(BODY_SECONDS) from None


class _Rest(io.RawIOBase):
    def __init__(self, body: IncomingBody, loop: asyncio.AbstractEventLoop) -> None:
        self._body, self._loop = body, loop
        self._here = memoryview(body.received)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._here:
            coming = asyncio.run_coroutine_threadsafe(self._body.next_part(), self._loop)
            part = coming.result()
            if not part:
                return 0
            self._here = memoryview(part)
        size = min(len(buffer), len(self._here))
        buffer[:size] = self._here[:size]
        self._here = self._here[size:]
        return size

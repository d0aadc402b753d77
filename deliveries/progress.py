"""How far one send came, and how long each of its steps took: noted by the connection that carries it.

No aiohttp trace: that runs for every send, and can't tell TLS from TCP (docs/decisions/0017).
"""

import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

Address = tuple[Any, ...]  # as getaddrinfo gives it: family, kind, protocol, name, and what to connect to


class Timings(NamedTuple):
    """In milliseconds; None for what did not come about, as on a connection that was there already.

    `first_byte_ms` counts from when the connection was there. A name that was known takes 0.
    """

    dns_ms: int | None = None
    connect_ms: int | None = None
    tls_ms: int | None = None
    first_byte_ms: int | None = None


NOTHING_TIMED = Timings()


@dataclass(slots=True)
class Progress:
    """The connection that one send made, if any, what the answer began with, and when: by time.perf_counter."""

    connection: socket.socket | None = None
    address: Address = ()
    status_code: int | None = None
    dns: float | None = None  # seconds
    connecting_at: float | None = None
    connected_at: float | None = None
    secured_at: float | None = None
    asking_at: float | None = None
    first_byte_at: float | None = None

    def connecting(self, connection: socket.socket, address: Address) -> None:
        """A host may have several addresses, which are tried in turn: it takes as long as all of them."""
        self.connection, self.address = connection, address
        if self.connecting_at is None:
            self.connecting_at = time.perf_counter()

    def asking(self) -> None:
        self.asking_at, self.first_byte_at = time.perf_counter(), None

    @property
    def reached(self) -> bool:
        """Its own connection is there, whatever became of the TLS handshake."""
        try:
            return self.connection is not None and bool(self.connection.getpeername())
        except OSError:
            return False

    @property
    def was_hung_up_on(self) -> bool:
        """It ended on a connection that was there already, before anything was answered."""
        return self.connection is None and self.first_byte_at is None

    @property
    def timings(self) -> Timings:
        if self.connecting_at is None and self.dns is None:  # most sends: the connection was there already
            return Timings(first_byte_ms=_ms(self.asking_at, self.first_byte_at))
        return Timings(
            None if self.dns is None else round(self.dns * 1000),
            _ms(self.connecting_at, self.connected_at),
            _ms(self.connected_at, self.secured_at),
            _ms(self.asking_at, self.first_byte_at),
        )


def _ms(start: float | None, end: float | None) -> int | None:
    return None if start is None or end is None else round((end - start) * 1000)


# Sends are tasks of their own; in this way the connector's news find the send that they are about.
of_this_send: ContextVar[Progress] = ContextVar("progress")

"""Sending to addresses that may not be called: nothing is connected to."""

import asyncio
import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest

from deliveries.connector import CheckedResolver
from deliveries.outcome import Outcome
from deliveries.sender import Sender
from tests.deliveries.receiver import answers, receiving

FORBIDDEN = Outcome("forbidden", error="The host leads to an address that is not public; it was not called.")
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def send(url: str, *, allowed: list[Any]) -> Outcome:
    async def run() -> Outcome:
        sender = Sender(allowed=allowed, timeout=1.0)
        try:
            return await sender.send(url, b"{}", {}, now=NOW)
        finally:
            await sender.close()

    return asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::]", "[::1]"])
def test_an_address_that_is_not_public_is_not_called(host: str) -> None:
    with receiving(answers(204)) as receiver:
        assert send(f"http://{host}:{receiver.port}/", allowed=[]) == FORBIDDEN
    assert receiver.connections == 0


class Dns:
    """A resolver that says what it was told to."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        if not self.addresses:
            raise OSError("no such host")
        return [
            {"hostname": host, "host": address, "port": port, "family": 2, "proto": 6, "flags": 0}
            for address in self.addresses
        ]

    async def close(self) -> None:
        pass


def with_dns(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    plain = CheckedResolver.__init__

    def init(self: CheckedResolver, allowed: list[Any]) -> None:
        plain(self, allowed)
        self.resolver = Dns(*addresses)

    monkeypatch.setattr(CheckedResolver, "__init__", init)


def test_a_name_that_has_come_to_lead_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with_dns(monkeypatch, "127.0.0.1")
    with receiving(answers(204)) as receiver:
        assert send(f"http://receiver.example:{receiver.port}/", allowed=[]) == FORBIDDEN
    assert receiver.connections == 0


def test_a_name_of_which_one_address_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with_dns(monkeypatch, "127.0.0.1", "10.0.0.1")
    with receiving(answers(204)) as receiver:
        assert send(f"http://receiver.example:{receiver.port}/", allowed=LOOPBACK) == FORBIDDEN
    assert receiver.connections == 0


def test_a_name_that_does_not_resolve_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with_dns(monkeypatch)
    outcome = Outcome("unreachable", error="The host name does not resolve.")
    assert send("http://receiver.example/", allowed=[]) == outcome

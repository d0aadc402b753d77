"""Every URL and every answer of the DNS in `ssrf_corpus.json` is refused at both doors: when an endpoint is set, and
when something is sent, whatever was set. Nobody is connected to, and no DNS is asked."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deliveries import connector
from deliveries.errors import ForbiddenTarget
from deliveries.outcome import Outcome
from deliveries.sender import Sender
from deliveries.targets import check_target
from tests.deliveries.receiver import answers, receiving
from tests.deliveries.test_sender import LOOPBACK

CORPUS = json.loads((Path(__file__).parent / "ssrf_corpus.json").read_text())
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PUBLIC = "93.184.215.14"
NOT_PUBLIC = Outcome("forbidden", error="The host leads to an address that is not public; it was not called.")
NO_NAME = Outcome("unreachable", error="The URL can't be used.")
REFUSALS = {
    "not_public": "is, or resolves to, an address that is not public.",
    "number": "The host ends in a number, so it must be an IPv4 address: 4 decimal numbers.",
    "no_url": "This is not a URL.",
    "port": "This is not a URL: its port is not a number.",
    "no_host": "A URL must begin with http:// or https:// and name a host.",
    "characters": "The URL holds a space, a backslash or a control character.",
    "user": "A URL may not hold a user name or a password.",
    "fragment": "A URL may not have a fragment (#...).",
    "too_long": "A URL may have 2048 characters.",
    "name": "This is not a URL: no host can have that name.",
}


def each(kind: str) -> Any:
    return pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["why"]) for entry in CORPUS[kind]])


class Net:
    """A DNS that knows what it was told, and a network that only notes who was to be connected to."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.turns: list[list[str]] = [[PUBLIC]]

    def getaddrinfo(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        host.encode("idna")  # as the real one does, with a UnicodeError for what can't be a name
        if host.rstrip(".").lower() == "localhost":
            return found("127.0.0.1", port)
        try:
            return self.asked(host, port, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
        except socket.gaierror:
            if ":" in host:
                raise
        answer = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return [entry for address in answer for entry in found(address, port)]

    asked = staticmethod(socket.getaddrinfo)


def found(address: str, port: int) -> list[Any]:
    if ":" in address:
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))]
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    net = Net()

    def connect(_: socket.socket, address: tuple[Any, ...]) -> None:
        net.connected.append(address[0])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(socket, "getaddrinfo", net.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return net


def send(*urls: str) -> list[Outcome]:
    async def run() -> list[Outcome]:
        sender = Sender(allowed=[], timeout=1.0)
        try:
            return [await sender.send(url, b"{}", {}, now=NOW) for url in urls]
        finally:
            await sender.close()

    return asyncio.run(run())


def refusal(url: str) -> str:
    with pytest.raises(ForbiddenTarget) as caught:
        check_target(url)
    return str(caught.value)


def test_the_corpus_says_of_each_entry_why_it_is_there() -> None:
    for entries in CORPUS.values():
        assert len({entry["why"] for entry in entries}) == len(entries)


# --- URLs ---------------------------------------------------------------------------------------------------------


@each("urls")
def test_a_url_is_refused_when_it_is_set(entry: dict[str, str], net: Net) -> None:
    words, expected = refusal(entry["url"]), REFUSALS[entry["refused"]]
    assert words.endswith(expected) if entry["refused"] == "not_public" else words == expected


@each("urls")
def test_a_url_is_refused_when_it_is_sent_to(entry: dict[str, str], net: Net) -> None:
    by_reason = {"not_public": NOT_PUBLIC, "name": NO_NAME}
    refused = Outcome("forbidden", error=f"It was not called: {REFUSALS[entry['refused']]}")
    assert send(entry["url"]) == [by_reason.get(entry["refused"], refused)]
    assert net.connected == []


# --- What the DNS says --------------------------------------------------------------------------------------------


@each("answers")
def test_an_answer_is_refused_when_the_url_is_set(entry: dict[str, Any], net: Net) -> None:
    net.turns = [entry["answers"]]
    assert refusal("http://receiver.example/") == f"receiver.example {REFUSALS['not_public']}"


@each("answers")
def test_an_answer_is_refused_when_something_is_sent(entry: dict[str, Any], net: Net) -> None:
    net.turns = [entry["answers"]]
    assert send("http://receiver.example/") == [NOT_PUBLIC]
    assert net.connected == []


@each("later")
def test_a_name_that_was_public_when_it_was_set_is_asked_again(entry: dict[str, Any], net: Net) -> None:
    net.turns = [entry["first"], entry["then"]]
    check_target("http://receiver.example/")
    assert send("http://receiver.example/") == [NOT_PUBLIC]
    assert net.connected == []


@each("later")
def test_a_name_that_was_public_for_the_last_send_is_asked_again(
    entry: dict[str, Any], net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "DNS_CACHE_SECONDS", 0)
    net.turns = [entry["first"], entry["then"]]
    assert send("http://receiver.example/", "http://receiver.example/")[1] == NOT_PUBLIC
    assert net.connected == entry["first"]


# --- Public ones, and redirects -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://receiver.example/", "http://receiver.example./", f"http://{PUBLIC}/", f"http://{PUBLIC}:/a"],
)
def test_what_is_public_is_called(url: str, net: Net) -> None:
    """Or all that is above would prove nothing."""
    check_target(url)
    assert send(url) == [Outcome("unreachable", error="No connection: Connection refused.")]
    assert net.connected == [PUBLIC]


@each("redirects")
def test_a_redirect_leads_nowhere(entry: dict[str, str]) -> None:
    async def run(url: str) -> Outcome:
        sender = Sender(allowed=LOOPBACK, timeout=1.0)
        try:
            return await sender.send(url, b"{}", {}, now=NOW)
        finally:
            await sender.close()

    with receiving(answers(307, Location=entry["location"])) as receiver:
        outcome = asyncio.run(run(receiver.url))
    assert outcome.error == "The receiver answered 307; redirects are not followed."
    assert (receiver.connections, len(receiver.requests)) == (1, 1)

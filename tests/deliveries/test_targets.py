"""What may be set. What may not is in `test_ssrf.py`."""

import ipaddress
import socket
import threading
import time

import pytest

from deliveries import targets
from deliveries.errors import ForbiddenTarget
from deliveries.targets import check_target

NOT_PUBLIC = "is, or resolves to, an address that is not public."


def refusal(url: str) -> str:
    with pytest.raises(ForbiddenTarget) as caught:
        check_target(url)
    return str(caught.value)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """What the DNS says of every name."""

    def getaddrinfo(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "https://93.184.215.14:8443/a/b?c=d%20e",
        "HTTP://93.184.215.14",
        "http://93.184.215.14?no=path",
        "http://[2606:4700:4700::1111]/",
        "http://[::ffff:93.184.215.14]/",
        "https://93.184.215.14/@user",
        "https://93.184.215.14/?mail=a@b.example",
        "https://93.184.215.14/ünïcode",
    ],
)
def test_a_public_target_is_let_through(url: str) -> None:
    check_target(url)


def test_a_url_may_have_2048_characters() -> None:
    check_target("http://93.184.215.14/" + "a" * 2027)


def test_a_name_with_public_addresses_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14", "1.1.1.1")
    check_target("http://receiver.example/")


def test_a_name_that_does_not_resolve_now_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    check_target("http://receiver.example/")


def test_a_dns_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    monkeypatch.setattr(targets, "DNS_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(10))
    began = time.perf_counter()
    check_target("http://receiver.example/")
    end.set()
    assert time.perf_counter() - began < 1


def test_an_operator_may_allow_private_networks(settings: pytest.FixtureDef) -> None:
    settings.ALLOWED_PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    check_target("http://127.0.0.1:9999/hooks")
    assert refusal("http://10.0.0.1/").endswith(NOT_PUBLIC)

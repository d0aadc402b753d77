import ipaddress
import socket
import threading
import time

import pytest

from deliveries import targets
from deliveries.errors import ForbiddenTarget
from deliveries.targets import check_target

NOT_PUBLIC = "is, or resolves to, an address that is not public."
NO_URL = "This is not a URL."
NO_HOST = "A URL must begin with http:// or https:// and name a host."
CHARACTERS = "The URL holds a space, a backslash or a control character."
USER = "A URL may not hold a user name or a password."
FRAGMENT = "A URL may not have a fragment (#...)."


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


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",  # decimal
        "0177.0.0.1",  # octal
        "0x7f000001",  # hexadecimal
        "0x7f.0x0.0.0x1",
        "127.1",  # short
        "127.0.1",
        "0",
        "127.0.0.1.",  # as a name that ends
        "localhost",
        "LocalHost",
        "localhost.",
        "１２７.0.0.1",  # other digits
        "①②⑦.0.0.1",
        "127。0。0。1",  # other dots
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",  # IPv4-mapped
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",  # IPv4-compatible
        "[64:ff9b::7f00:1]",  # NAT64
        "[2002:7f00:1::]",  # 6to4
        "[fe80::1%25eth0]",  # zone ids
        "[fe80::1%lo]",
        "[::1%1]",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
    ],
)
@pytest.mark.parametrize("form", ["http://{}/", "https://{}:8443/a?b=c"])
def test_an_address_that_is_not_public_is_refused_however_it_is_spelled(host: str, form: str) -> None:
    assert refusal(form.format(host)).endswith(NOT_PUBLIC)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", NO_HOST),
        ("example.com", NO_HOST),
        ("//93.184.215.14/", NO_HOST),
        ("http://", NO_HOST),
        ("http:///path", NO_HOST),
        ("http:93.184.215.14", NO_HOST),
        ("http://./", NO_HOST),
        ("http://93.184.215.14:0/", NO_HOST),
        ("ftp://93.184.215.14/", NO_HOST),
        ("file:///etc/passwd", NO_HOST),
        ("gopher://93.184.215.14/", NO_HOST),
        ("javascript:alert(1)", NO_HOST),
        ("http://93.184.215.14:99999/", NO_URL),
        ("http://93.184.215.14:abc/", NO_URL),
        ("http://[::1/", NO_URL),
        ("http://%31%32%37.0.0.1/", NO_URL),
        ("http://\ud800/", NO_URL),
        ("http://a..example/", "This is not a URL: no host can have that name."),
        (f"http://{'a' * 64}.example/", "This is not a URL: no host can have that name."),
        ("http://exa mple/", CHARACTERS),
        (" http://93.184.215.14/", CHARACTERS),
        ("http://93.184.215.14/\r\nHost: evil", CHARACTERS),
        ("http://93.184.215.14/\x7f", CHARACTERS),
        ("http://127.0.0.1:80\\@93.184.215.14/", CHARACTERS),
        ("http://93.184.215.14\\@127.0.0.1/", CHARACTERS),
        ("http://user@93.184.215.14/", USER),
        ("http://user:word@93.184.215.14/", USER),
        ("http://:word@93.184.215.14/", USER),
        ("http://@93.184.215.14/", USER),
        ("http://93.184.215.14@127.0.0.1/", USER),
        ("http://93.184.215.14/#", FRAGMENT),
        ("http://93.184.215.14/#top", FRAGMENT),
        ("http://93.184.215.14/" + "a" * 2028, "A URL may have 2048 characters."),
    ],
)
def test_what_is_no_url_of_a_receiver_is_refused_in_words(url: str, words: str) -> None:
    assert refusal(url) == words


def test_a_url_may_have_2048_characters() -> None:
    check_target("http://93.184.215.14/" + "a" * 2027)


def test_a_name_is_refused_when_any_of_its_addresses_is_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.215.14", "10.0.0.1")
    assert refusal("http://receiver.example/") == f"receiver.example {NOT_PUBLIC}"


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

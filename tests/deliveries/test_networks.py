"""What may be called. The addresses that may not are in `ssrf_corpus.json`."""

import ipaddress

import pytest

from deliveries.networks import may_be_called

PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8")]

PUBLIC = """
    1.1.1.1 93.184.215.14 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0
    192.31.195.255 192.31.197.0 192.52.192.255 192.52.194.0 192.175.47.255 192.175.49.0
    192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
    2000::1 2001:200::1 2606:4700:4700::1111 2a00:1450:4001::1 3ffe::1 ::ffff:1.1.1.1 ::ffff:5db8:d70e
    2620:4f:7fff::1 2620:4f:8001::1
""".split()

NO_ADDRESSES = [
    "fe80::1%eth0",
    "::1%lo",
    "2606:4700::1%eth0",
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "1.1.1.1.",
    " 1.1.1.1",
    "1.1.1.1/32",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert may_be_called(address, allowed=[])


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_not_an_address_may_not_be_called(text: str) -> None:
    assert not may_be_called(text, allowed=[])


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "1.1.1.1"])
def test_an_operator_may_allow_private_networks(address: str) -> None:
    assert may_be_called(address, allowed=PRIVATE)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "11.0.0.0", "fc00::1", "fd00::1%eth0", "::10.1.2.3", "2002:a01:203::1"]
)
def test_what_an_operator_allows_opens_nothing_else(address: str) -> None:
    assert may_be_called(address, allowed=PRIVATE) is (address == "11.0.0.0")

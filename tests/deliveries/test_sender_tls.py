"""Receivers whose TLS is at fault: the outcome says which fault it is."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deliveries import certificates, failures
from deliveries import sender as sender_module
from deliveries.outcome import Outcome
from deliveries.sender import Sender
from tests.deliveries.test_sender import LOOPBACK

Signed = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def certificate(*addresses: str, by: Signed | None = None, first: int = -9, last: int = 9) -> Signed:
    """Valid from the day `first` to the day `last`, counted from today. Without an address: for 127.0.0.1."""
    key, today = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    addresses = addresses or ("127.0.0.1",)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{addresses[0]} {last}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by[0].subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today + timedelta(days=first))
        .not_valid_after(today + timedelta(days=last))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            ),
            critical=False,
        )
    )
    return builder.sign(by[1] if by else key, hashes.SHA256()), key


def day(number: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=number):%Y-%m-%d}"


AUTHORITY, STRANGER = certificate("127.0.0.8", last=8), certificate("127.0.0.9", last=9)


@contextlib.contextmanager
def serving(signed: Signed, folder: Path, *, then_hangs: bool = False) -> Iterator[int]:
    """The port of a server that shows this certificate to who connects (or the first alone), and answers 204."""
    pem, key_format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = folder / "server.pem"
    key = signed[1].private_bytes(pem, key_format, serialization.NoEncryption())
    file.write_bytes(signed[0].public_bytes(pem) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server, context, then_hangs), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def answer(server: socket.socket, context: ssl.SSLContext, then_hangs: bool) -> None:
    held = []
    while True:
        try:
            plain, _ = server.accept()
        except OSError:
            break
        held.append(plain)
        if then_hangs and len(held) > 1:
            continue
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            if connection.recv(10_000):
                connection.sendall(b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")
    for plain in held:
        plain.close()


def send(port: int, *, timeout: float = 5.0) -> Outcome:
    (outcome,) = send_all(port, timeout=timeout)
    return outcome


def send_all(*ports: int, timeout: float = 5.0) -> list[Outcome]:
    """What came of each, one after the other, by one sender."""

    async def run() -> list[Outcome]:
        authority = AUTHORITY[0].public_bytes(serialization.Encoding.PEM).decode()
        trusted = ssl.create_default_context(cadata=authority)
        sender = Sender(allowed=LOOPBACK, timeout=timeout, trusted=trusted)
        try:
            return [
                await sender.send(f"https://127.0.0.1:{port}/", b"{}", {}, now=datetime.now(UTC))
                for port in ports
            ]
        finally:
            await sender.close()

    return asyncio.run(run())


def test_a_certificate_of_somebody_we_trust_is_good(tmp_path: Path) -> None:
    with serving(certificate(by=AUTHORITY), tmp_path) as port:
        assert send(port).kind == "delivered"


@pytest.mark.parametrize(
    ("signed", "fault"),
    [
        (certificate(by=AUTHORITY, last=-3), f"it expired 3 days ago, on {day(-3)}"),
        (certificate(by=AUTHORITY, first=5), f"it is not valid before {day(5)}, in 4 days"),
        (certificate("127.0.0.2", by=AUTHORITY), "it is for 127.0.0.2, not for 127.0.0.1"),
        (
            certificate(*(f"127.0.0.{n}" for n in range(2, 8)), by=AUTHORITY),
            "it is for 127.0.0.2, 127.0.0.3, 127.0.0.4 and 3 more, not for 127.0.0.1",
        ),
        (certificate(), "nobody we trust has signed it (self-signed)"),
        (certificate(by=STRANGER), "its chain leads to nobody we trust"),
    ],
    ids=["expired", "not yet", "another name", "other names", "self-signed", "a stranger's"],
)
def test_a_certificate_that_is_not_valid_is_named_by_its_fault(
    signed: Signed, fault: str, tmp_path: Path
) -> None:
    with serving(signed, tmp_path) as port:
        outcome = send(port)
    assert outcome == Outcome("unreachable", error=f"Its TLS certificate is not valid: {fault}.")


def test_who_hangs_when_asked_for_the_certificate_once_more_delays_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "ASKING_SECONDS", 0.2)
    bad, good = certificate(by=AUTHORITY, last=-3), certificate(by=AUTHORITY)
    (tmp_path / "bad").mkdir()
    with serving(bad, tmp_path / "bad", then_hangs=True) as hanging, serving(good, tmp_path) as port:
        outcomes = send_all(hanging, port, port)
    assert [outcome.kind for outcome in outcomes] == ["unreachable", "delivered", "delivered"]
    assert outcomes[0].error == "Its TLS certificate is not valid: it has expired."


def test_a_handshake_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(failures, "CONNECT_SECONDS", 0.3)
    began = time.perf_counter()
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = send(server.getsockname()[1])
    assert time.perf_counter() - began < 2.0
    assert outcome == Outcome("timeout", error="No TLS handshake within 0.3 s.")

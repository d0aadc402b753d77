"""A certificate authority of a test's own, and what it says of localhost."""

import datetime
import ipaddress
import secrets
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificates(NamedTuple):
    """Files. `authority`: of whoever signed; `chain` and `key`: the server's."""

    folder: Path
    authority: Path
    chain: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """For `localhost` and 127.0.0.1. Two calls make two authorities, which know nothing of each other."""
    folder.mkdir(mode=0o711)
    found = Certificates(folder, folder / "authority.pem", folder / "server.pem", folder / "server.key")
    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = f"an authority of a test's own, {secrets.token_hex(4)}"
    authority = _builder(name, name, root.public_key())
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    server = _builder("localhost", name, own.public_key())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    server = server.add_extension(x509.SubjectAlternativeName(names), critical=False)
    found.authority.write_bytes(
        authority.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    found.chain.write_bytes(server.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    found.key.touch(mode=0o600)
    found.key.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return found


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

"""The text of an API key: `trg_` + public id + `_` + secret + checksum.

The public id (12 characters) finds the row. The secret is 33 characters of base62, 196 random bits. The checksum, 6
characters, is a CRC-32 over all before it, so that a mistyped or cut key is refused before any look-up.
"""

import re
import secrets
import string
import zlib
from typing import NamedTuple

PREFIX, PUBLIC_LENGTH = "trg_", 12
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY = re.compile(r"(trg_([0-9A-Za-z]{12})_([0-9A-Za-z]{33}))([0-9A-Za-z]{6})")


class KeyParts(NamedTuple):
    public_id: str
    secret: str


def new_parts() -> KeyParts:
    return KeyParts(_random_text(PUBLIC_LENGTH), _random_text(33))


def compose(parts: KeyParts) -> str:
    body = f"{PREFIX}{parts.public_id}_{parts.secret}"
    return body + _checksum(body)


def take_apart(text: str) -> KeyParts | None:
    """The parts of a well-formed key, else None."""
    found = _KEY.fullmatch(text)
    if found is None or _checksum(found[1]) != found[4]:
        return None
    return KeyParts(found[2], found[3])


def public_part(text: str) -> str:
    """Where the public id is, if this is a key at all."""
    return text[len(PREFIX) : len(PREFIX) + PUBLIC_LENGTH]


def _random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits

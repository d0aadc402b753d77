"""Signing secrets (Standard Webhooks 1.0.0): `whsec_` and 24 to 64 bytes in base64. Kept encrypted."""

import base64
import binascii
import secrets as chance

from deliveries.errors import InvalidSecret

PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(chance.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """The key of the HMAC. InvalidSecret when it is not of that form."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSecret("This is not whsec_ followed by base64.") from None
    if not secret.startswith(PREFIX) or not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise InvalidSecret(f"This takes whsec_ and {FEWEST_BYTES}-{MOST_BYTES} bytes in base64.")
    return key

"""The signature of a delivery (Standard Webhooks 1.0.0, symmetric)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable


def signature(keys: Iterable[bytes], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: `v1,<base64 HMAC-SHA256 of id.timestamp.body>` for each key, a space between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys
    )

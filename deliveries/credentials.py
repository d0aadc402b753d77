"""What an attempt needs that is kept encrypted: signing keys, and headers of the tenant's own. Decrypted once, and
remembered until the endpoint's revision changes."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import structlog
from cryptography.fernet import InvalidToken

from deliveries.claim import Claimed
from deliveries.custom_headers import opened
from deliveries.secrets import secret_bytes
from organizations.encryption import decrypt

log = structlog.get_logger(__name__)

REMEMBERED = 5_000

_LOAD_HEADERS = """
SELECT id::text, encrypted_headers FROM deliveries_endpoint WHERE id = ANY (%s::uuid[]) AND encrypted_headers <> ''
"""
_LOAD_KEYS = """
SELECT endpoint_id::text, encrypted, valid_until FROM deliveries_endpointsecret
WHERE endpoint_id = ANY (%s::uuid[]) AND (valid_until IS NULL OR valid_until > now())
ORDER BY valid_until DESC NULLS FIRST
"""


@dataclass(slots=True)
class _Known:
    revision: int
    keys: list[tuple[bytes, datetime | None]] = field(default_factory=list)
    headers: dict[str, str] | None = field(default_factory=dict)  # None: they can't be read


class Unreadable(Exception):
    """What sending needs can't be read with FIELD_ENCRYPTION_KEYS; `str()` says so to the tenant."""


class NoKey(Unreadable):
    """An endpoint has no signing secret that can be read."""


class NoHeaders(Unreadable):
    """An endpoint has headers of its own that can't be read."""


class Credentials:
    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def load(self, connection: psycopg.AsyncConnection[Any], deliveries: Sequence[Claimed]) -> None:
        """Makes sure that what these deliveries' endpoints need is known, as of the revision that was claimed."""
        stale = {
            delivery.endpoint_id: delivery.revision
            for delivery in deliveries
            if (known := self._known.get(delivery.endpoint_id)) is None or known.revision < delivery.revision
        }
        if not stale:
            return
        fresh = {endpoint_id: _Known(revision) for endpoint_id, revision in stale.items()}
        rows = await (await connection.execute(_LOAD_HEADERS, [list(stale)])).fetchall()
        for endpoint_id, encrypted in rows:
            try:
                fresh[endpoint_id].headers = opened(encrypted)
            except InvalidToken:
                fresh[endpoint_id].headers = None
                log.error("endpoint.headers_unreadable", endpoint_id=endpoint_id)
        rows = await (await connection.execute(_LOAD_KEYS, [list(stale)])).fetchall()
        for endpoint_id, encrypted, valid_until in rows:
            try:
                fresh[endpoint_id].keys.append((secret_bytes(decrypt(encrypted)), valid_until))
            except InvalidToken:
                log.error("endpoint.secret_unreadable", endpoint_id=endpoint_id)
        self._known.update(fresh)
        for delivery in deliveries:
            self._known.move_to_end(delivery.endpoint_id)
        while len(self._known) > max(REMEMBERED, len(deliveries)):
            self._known.popitem(last=False)

    def headers_of(self, delivery: Claimed) -> dict[str, str]:
        """The tenant's own. NoHeaders when they can't be read: without them the receiver would take us for another."""
        headers = self._known[delivery.endpoint_id].headers
        if headers is None:
            raise NoHeaders("Nothing was sent: this server can't read the endpoint's headers. Set them anew.")
        return headers

    def keys_of(self, delivery: Claimed, *, now: datetime) -> list[bytes]:
        """The keys that are valid now, the current one first. NoKey when there is none: nothing goes out unsigned."""
        keys = [key for key, until in self._known[delivery.endpoint_id].keys if until is None or until > now]
        if not keys:
            raise NoKey("Nothing was sent: this server can't read the endpoint's signing secret. Rotate it.")
        return keys

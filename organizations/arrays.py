"""Long arrays for PostgreSQL, put together here: psycopg's own way looks at the type of each item, and that tells.

`organizations/apps.py` imports this before the first connection is made: those know the types that are known by then.
"""

import struct
from collections.abc import Sequence

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format


class TextArray(bytes):
    """A `text[]` parameter, to be bound as `%(name)b`, as PostgreSQL's `array_recv` takes it."""


class UuidArray(bytes):
    """A `uuid[]` parameter, likewise."""


def text_array(items: Sequence[bytes | None]) -> TextArray:
    """Of UTF-8 without NUL; None is NULL."""
    parts = [_NULL if item is None else _length(len(item)) + item for item in items]
    return TextArray(_head(len(items), oid=25) + b"".join(parts))


def uuid_array(items: Sequence[bytes]) -> UuidArray:
    """Of 16 bytes each."""
    return UuidArray(_head(len(items), oid=2950) + b"".join([_SIXTEEN + item for item in items]))


def sixteens(together: bytes | None) -> list[bytes]:
    """UUIDs that the database put one behind the other: `string_agg(uuid_send(id), '')`."""
    return [together[at : at + 16] for at in range(0, len(together), 16)] if together else []


_length = struct.Struct("!i").pack
_NULL, _SIXTEEN = _length(-1), _length(16)


def _head(size: int, *, oid: int) -> bytes:
    """One dimension, counted from 1, which may hold NULL; an array of nothing has none. `oid`: the items' type."""
    return struct.pack("!iiiii", 1, 1, oid, size, 1) if size else struct.pack("!iii", 0, 0, oid)


class _TextArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1009  # text[]

    def dump(self, obj: bytes) -> Buffer:
        return obj


class _UuidArrayDumper(_TextArrayDumper):
    oid = 2951  # uuid[]


psycopg.adapters.register_dumper(TextArray, _TextArrayDumper)
psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)

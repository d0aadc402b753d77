"""Which of what is kept encrypted FIELD_ENCRYPTION_KEYS can't read."""

from collections.abc import Iterable

from cryptography.fernet import InvalidToken

from organizations.encryption import decrypt

MOST = 500  # are looked at when a process starts: some 20 ms


def unreadable(encrypted: Iterable[str]) -> int:
    """How many of these can't be read."""
    return sum(not _can_be_read(text) for text in encrypted)


def _can_be_read(encrypted: str) -> bool:
    try:
        decrypt(encrypted)
    except InvalidToken:
        return False
    return True

"""Encryption at rest for what must be read back: endpoint secrets.

Fernet (AES-128-CBC with HMAC-SHA256). The first of FIELD_ENCRYPTION_KEYS encrypts, all of them decrypt, so keys are
exchanged by putting a new one in front.
"""

from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _box(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raises cryptography's InvalidToken when none of the keys made it."""
    return _box(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(token.encode()).decode()


def under_current_key(token: str) -> str:
    """The same text, encrypted anew with the current key."""
    return _box(tuple(settings.FIELD_ENCRYPTION_KEYS)).rotate(token.encode()).decode()

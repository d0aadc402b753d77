"""Making, rotating and revoking API keys. The key itself leaves once, as the return value; bcrypt's hash stays."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import bcrypt
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from organizations.errors import KeyEnded, KeyNotFound, LastKey, ScopeNotHeld, TooManyKeys
from organizations.key_format import compose, new_parts
from organizations.models import ApiKey, Organization
from organizations.scopes import ALL_SCOPES

ISSUED = tuple[str, ApiKey]


def generate_key(
    organization: Organization,
    *,
    name: str = "default",
    scopes: Sequence[str] = ALL_SCOPES,
    expires_at: datetime | None = None,
) -> ISSUED:
    """A new key: (the key to hand over, its row). Takes about 200 ms, which is bcrypt's doing."""
    parts = new_parts()
    hashed = bcrypt.hashpw(parts.secret.encode(), bcrypt.gensalt(settings.BCRYPT_ROUNDS))
    row = ApiKey.objects.create(
        organization=organization,
        name=name,
        public_id=parts.public_id,
        secret_hash=hashed.decode(),
        scopes=list(scopes),
        expires_at=expires_at,
    )
    row.refresh_from_db()
    return compose(parts), row


def create_key(
    asking: ApiKey, *, name: str, scopes: Sequence[str] | None = None, expires_at: datetime | None = None
) -> ISSUED:
    """One more key for the tenant of the key that asks, with some of its scopes, or all when none are named.

    ScopeNotHeld, TooManyKeys, or KeyEnded when the asking key is valid no more.
    """
    lacking = [scope for scope in scopes or () if scope not in asking.scopes]
    if lacking:
        raise ScopeNotHeld(f"This needs a key that has the scope {lacking[0]} itself.")
    with transaction.atomic():
        _locked(asking.organization)
        require_valid(asking)
        _require_room(asking.organization)
        return generate_key(
            asking.organization, name=name, scopes=scopes or asking.scopes, expires_at=expires_at
        )


def rotate_key(old: ApiKey, *, grace: timedelta) -> tuple[str, ApiKey, ApiKey]:
    """A new key with the old one's name and scopes: (the key, its row, the old row).

    The old one works until the grace ends; without grace it is revoked in the same transaction. A grace never
    lengthens the life of a key that ends sooner. KeyEnded when the old one is valid no more; with grace both are valid
    for a while, so TooManyKeys when there is no room for one more.
    """
    with transaction.atomic():
        _locked(old.organization)
        require_valid(old)
        if grace:
            _require_room(old.organization)
        text, row = generate_key(old.organization, name=old.name, scopes=old.scopes)
        if grace:
            ApiKey.objects.filter(pk=old.pk).valid().exclude(expires_at__lt=Now() + grace).update(
                expires_at=Now() + grace
            )
        else:
            ApiKey.objects.filter(pk=old.pk, revoked_at__isnull=True).update(revoked_at=Now())
        old.refresh_from_db()
    return text, row, old


def require_valid(key: ApiKey) -> None:
    """KeyEnded unless the key is valid at this moment, and until the transaction ends.

    Every process lets a key in for half a second after its end (`verification.py`): long enough for a stolen one to
    make itself a successor, which would outlive it.
    """
    if not ApiKey.objects.filter(pk=key.pk).valid().select_for_update().first():
        raise KeyEnded


def revoke_key(organization: Organization, key_id: uuid.UUID) -> None:
    """Ends a key now. KeyNotFound, or LastKey when no other valid one would stay; a revoked one is left as it is."""
    with transaction.atomic():
        _locked(organization)
        key = ApiKey.objects.of(organization).filter(pk=key_id).first()
        if key is None:
            raise KeyNotFound("This organization has no such key.")
        if not ApiKey.objects.of(organization).valid().exclude(pk=key_id).exists():
            raise LastKey("This is the organization's last valid key.")
        ApiKey.objects.filter(pk=key_id, revoked_at__isnull=True).update(revoked_at=Now())


def _require_room(organization: Organization) -> None:
    if ApiKey.objects.of(organization).valid().count() >= settings.KEYS_PER_ORGANIZATION:
        raise TooManyKeys(f"An organization may have {settings.KEYS_PER_ORGANIZATION} valid keys.")


def _locked(organization: Organization) -> None:
    """Two calls at once could each see the other's key as the one that stays, or room for one more.

    Before any key is locked: who locks in another order waits for another for ever.
    """
    Organization.objects.select_for_update().get(pk=organization.pk)

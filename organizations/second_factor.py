"""The second factor of staff: codes of an authenticator app, and recovery codes for who has lost it.

Each code is good once, also when two try it at the same moment: the UPDATE that takes it has the condition.
"""

import base64
import hashlib
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.contrib.postgres.fields.array import ArrayField
from django.db import models
from django.db.models import F, Func, Value
from django.db.models.functions import Now

from organizations.encryption import decrypt, encrypt
from organizations.models import SecondFactor

STEP = 30  # seconds
TOLERANCE = 1  # steps to either side: telephones' clocks are not exact
RECOVERY_CODES = 10
ISSUER = "Triggers"


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def begin_enrolment(user: User) -> bool:
    """A new secret, which a code must confirm. False when the user has a second factor already."""
    fields = {"encrypted_secret": encrypt(base64.b32encode(secrets.token_bytes(20)).decode())}
    factor, is_new = SecondFactor.objects.get_or_create(user=user, defaults=fields)
    if is_new:
        return True
    return bool(
        SecondFactor.objects.filter(pk=factor.pk, confirmed_at__isnull=True).update(**fields, last_step=0)
    )


def unconfirmed_secret(user: User) -> str | None:
    """In base32, as apps take it; shown until it is confirmed, and never again."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=True).first()
    return decrypt(factor.encrypted_secret) if factor else None


def provisioning_uri(user: User, secret: str) -> str:
    return _totp(secret).get_provisioning_uri(user.get_username(), ISSUER)


def confirm_enrolment(user: User, code: str, *, now: datetime) -> list[str] | None:
    """The recovery codes, which are shown this once; None when the code is wrong."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=True).first()
    if factor is None or not _take_code(factor, code, now):
        return None
    made = [secrets.token_hex(8) for _ in range(RECOVERY_CODES)]
    mine = SecondFactor.objects.filter(pk=factor.pk, confirmed_at__isnull=True)
    moved = mine.update(confirmed_at=Now(), recovery_hashes=[_hash(code) for code in made])
    return made if moved else None


def takes(user: User, code: str, *, now: datetime) -> bool:
    """Whether the code is the user's, and was not used before; it is used now."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    return factor is not None and (_take_code(factor, code, now) or _take_recovery_code(factor, code))


def remove_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).delete()[0] > 0


def _take_code(factor: SecondFactor, code: str, now: datetime) -> bool:
    given = code.replace(" ", "")
    totp, current = _totp(decrypt(factor.encrypted_secret)), int(now.timestamp()) // STEP
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if secrets.compare_digest(totp.generate(step * STEP), given.encode()):
            unused = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
            return unused.update(last_step=step) == 1
    return False


def _take_recovery_code(factor: SecondFactor, code: str) -> bool:
    hashed = _hash(code)
    left = Func(
        F("recovery_hashes"),
        Value(hashed),
        function="array_remove",
        output_field=ArrayField(models.CharField(max_length=64)),
    )
    unused = SecondFactor.objects.filter(pk=factor.pk, recovery_hashes__contains=[hashed])
    return unused.update(recovery_hashes=left) == 1


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().lower().replace(" ", "").encode()).hexdigest()


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), 6, SHA1(), STEP)  # noqa: S303  (RFC 6238's own; apps know no other)

"""`Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): the first answer again, and never the act twice.

A key is reserved before anything is done, and holds the answer from the moment that what was done is committed: both
are in one transaction. A reservation whose process died is free again after a minute.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from django.db import transaction

from events.errors import IdempotencyInFlight, IdempotencyMismatch
from events.models import OnceKey
from organizations.errors import InvalidHeader
from organizations.models import Organization
from organizations.sql import run

_RESERVE = """
INSERT INTO events_oncekey AS known (organization_id, kind, key, fingerprint, expires_at)
VALUES (%(organization)s, 'idempotency', %(key)s, %(fingerprint)s, now() + interval '1 minute')
ON CONFLICT (organization_id, kind, key) DO UPDATE
    SET fingerprint = EXCLUDED.fingerprint, status_code = NULL, answer = NULL, expires_at = EXCLUDED.expires_at
    WHERE known.expires_at <= now()
RETURNING key
"""

_FINISH = """
UPDATE events_oncekey
SET status_code = %(status_code)s, answer = %(answer)s, expires_at = now() + interval '24 hours'
WHERE organization_id = %(organization)s AND kind = 'idempotency' AND key = %(key)s
    AND fingerprint = %(fingerprint)s AND answer IS NULL
"""


LONGEST_KEY = 255  # characters


class Answer(NamedTuple):
    """What was answered: the HTTP status and the JSON text of the body."""

    status_code: int
    text: str

    @classmethod
    def of(cls, status_code: int, document: object) -> "Answer":
        return cls(status_code, msgspec.json.encode(document, enc_hook=str).decode())


class Reservation(NamedTuple):
    organization: Organization
    key: str
    fingerprint: str

    def finish(self, answer: Answer) -> None:
        """Keeps the answer for 24 hours. To be called in the transaction that does the work."""
        run(
            _FINISH,
            {
                "organization": self.organization.pk,
                "key": self.key,
                "fingerprint": self.fingerprint,
                "status_code": answer.status_code,
                "answer": answer.text,
            },
        )

    def release(self) -> None:
        """Nothing was done: the key is free again."""
        OnceKey.objects.filter(
            organization=self.organization,
            kind=OnceKey.Kind.IDEMPOTENCY,
            key=self.key,
            fingerprint=self.fingerprint,
            answer__isnull=True,
        ).delete()


def reserve(organization: Organization, key: str, *, call: str, body: bytes) -> Reservation | Answer:
    """The key for this call, or the answer that it was given before.

    IdempotencyMismatch: the key was used for another call or body. IdempotencyInFlight: its first is not done yet.
    """
    fingerprint = hashlib.sha256(call.encode() + b"\n" + body).hexdigest()
    parameters = {"organization": organization.pk, "key": key, "fingerprint": fingerprint}
    if run(_RESERVE, parameters):
        return Reservation(organization, key, fingerprint)
    known = OnceKey.objects.filter(organization=organization, kind=OnceKey.Kind.IDEMPOTENCY, key=key).first()
    if known is None or (known.answer is None and known.fingerprint == fingerprint):
        raise IdempotencyInFlight("The first call with this Idempotency-Key is still being worked on.")
    if known.fingerprint != fingerprint:
        raise IdempotencyMismatch("This Idempotency-Key was used with another body.")
    return Answer(known.status_code or 200, known.answer or "")


def once(
    organization: Organization, key: str, *, call: str, body: bytes, act: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """What `act` answers, and whether that was on an earlier call, so that nothing was done now.

    `act` runs in a transaction. What it raises frees the key, and goes on.
    """
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable() or not key.isascii():
        raise InvalidHeader([("Idempotency-Key", f"This takes 1-{LONGEST_KEY} printable ASCII characters.")])
    reservation = reserve(organization, key, call=call, body=body)
    if isinstance(reservation, Answer):
        return reservation, True
    try:
        with transaction.atomic():
            answer = act()
            reservation.finish(answer)
    except BaseException:
        reservation.release()
        raise
    return answer, False

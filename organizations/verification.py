"""Is this text a valid key, and whose? bcrypt once, then from memory.

A public id that nobody has, or whose key has ended, is checked like any other, against a hash that nothing matches:
it takes as long, and counts as a guess as well. Guesses are counted before bcrypt, for the address they come from and
never for the key they aim at, so that nobody elsewhere can lock a good key out.

Three things are remembered, per process:
- that a text matched a row's bcrypt hash: for ten minutes, as a MAC of the text, bound to that hash;
- that it did not: likewise, so that who goes on with an old key, which is no guessing, does not use up the guesses of
  those who share the address;
- the row's state (revoked, expired, scopes, tier): for half a second, so a revocation holds everywhere within one.
"""

import hashlib
import hmac
import secrets
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple, TypeVar

import bcrypt
from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from organizations.key_format import KeyParts, public_part, take_apart
from organizations.limits import Budget, spend
from organizations.models import ApiKey, Organization

STATE_SECONDS = 0.5
RENEWED_AHEAD = 0.2  # seconds before a state ends: who calls all the time is never kept waiting for it
CHECKED_SECONDS = 600
REMEMBERED = 10_000
# Wrong secrets from one address: enough for a person's mistakes, far too few for guessing. Good keys cost nothing.
FAILURES_PER_MINUTE = 10
NOTED_EVERY = timedelta(minutes=1)

_process_secret = secrets.token_bytes(32)

E = TypeVar("E")


@dataclass(frozen=True)
class _Checked:
    proof: bytes
    secret_hash: str
    until: float


@dataclass(slots=True)
class _State:
    """`used`: somebody has called with it since it was read."""

    key: ApiKey
    until: float
    used: bool = False


class _Memory(OrderedDict[str, E]):
    """The latest REMEMBERED entries. `get` needs no lock, what writes needs `_lock`."""

    def remember(self, name: str, entry: E) -> None:
        self[name] = entry
        self.move_to_end(name)
        while len(self) > REMEMBERED:
            self.popitem(last=False)


_verified: _Memory[_Checked] = _Memory()
_refused: _Memory[_Checked] = _Memory()
_states: _Memory[_State] = _Memory()
_lock = threading.Lock()
_bcrypt_turn = threading.Lock()


def forget_all() -> None:
    """Starts anew, as a fresh process would (for tests)."""
    with _lock:
        _verified.clear()
        _refused.clear()
        _states.clear()


def find_key(text: str, *, caller: str) -> ApiKey | None:
    """The valid key that `text` is, with its organization, or None, whatever the reason.

    `caller` is the address that failed checks are counted for. OverLimit never comes from here: a caller with too
    many failures is told that the key is not valid, like everybody else.
    """
    parts = take_apart(text)
    if parts is None:
        return None
    key = _current_state(parts.public_id)
    if (
        not _matches(parts, _proof_of(text), key.secret_hash if key else _nobodys_hash(), caller)
        or key is None
    ):
        return None
    _note_use(key)
    return key


def _proof_of(text: str) -> bytes:
    """A MAC of the key (RFC 7693, keyed): HMAC by OpenSSL takes forty times as long to start."""
    return hashlib.blake2b(text.encode(), key=_process_secret, digest_size=32).digest()


class Remembered(NamedTuple):
    """A key that is known to be good, and for how many seconds more its state need not be read again."""

    key: ApiKey
    left: float

    @property
    def fresh(self) -> bool:
        return self.left > 0

    @property
    def ends_soon(self) -> bool:
        return self.left < RENEWED_AHEAD


def remembered_key(text: str) -> Remembered | None:
    """The key that `text` is, if that is remembered: waits for nothing. None says nothing about it: ask `find_key`."""
    public_id = public_part(text)
    state = _states.get(public_id)
    if state is None or _use_is_to_be_noted(state.key):
        return None
    if not _known(public_id, _proof_of(text), state.key.secret_hash):
        return None
    state.used = True
    return Remembered(state.key, state.until - time.monotonic())


def read_states(public_ids: Sequence[str]) -> list[None]:
    """Reads the state of these keys again, and in the same query of all that end soon and were used since they were
    read: with many tenants each would else be a query of its own, some three times a second."""
    now = time.monotonic()
    soon = now + STATE_SECONDS / 2
    wanted = set(public_ids)
    with _lock:
        for public_id in reversed(_states):
            state = _states[public_id]
            if state.until < soon - STATE_SECONDS:
                break
            if state.until < soon and state.used:
                wanted.add(public_id)
    found = {key.public_id: key for key in _valid_keys().filter(public_id__in=wanted)}
    with _lock:
        for public_id in wanted:
            if key := found.get(public_id):
                _states.remember(public_id, _State(key, now + STATE_SECONDS))
            else:
                _states.pop(public_id, None)
    return [None for _ in public_ids]


def _valid_keys() -> QuerySet[ApiKey]:
    return ApiKey.objects.valid().select_related("organization")


def _use_is_to_be_noted(key: ApiKey) -> bool:
    return key.last_used_at is None or datetime.now(UTC) - key.last_used_at > NOTED_EVERY


def _note_use(key: ApiKey) -> None:
    """`last_used_at`, to the minute: one write a minute, not one a call."""
    if _use_is_to_be_noted(key):
        key.last_used_at = datetime.now(UTC)  # this process need not try again before the state is read anew
        ApiKey.objects.unused_since(NOTED_EVERY).filter(pk=key.pk).update(last_used_at=Now())


def _current_state(public_id: str) -> ApiKey | None:
    now = time.monotonic()
    known = _states.get(public_id)
    if known is not None and known.until > now:
        known.used = True
        return known.key
    key = _valid_keys().filter(public_id=public_id).first()
    if key is not None:
        with _lock:
            _states.remember(public_id, _State(key, now + STATE_SECONDS))
    return key


@cache
def _nobodys_hash() -> str:
    return bcrypt.hashpw(secrets.token_bytes(24), bcrypt.gensalt(settings.BCRYPT_ROUNDS)).decode()


def _matches(parts: KeyParts, proof: bytes, secret_hash: str, caller: str) -> bool:
    known = _known(parts.public_id, proof, secret_hash)
    if known is not None:
        return known
    # One bcrypt at a time for a process: a flood of bad keys takes one core at most, and the first of many
    # concurrent callers with a good one answers for the rest.
    failures = Budget(f"key-failures:{caller}", FAILURES_PER_MINUTE)
    if not spend(failures, 0).remaining:
        return False
    with _bcrypt_turn:
        known = _known(parts.public_id, proof, secret_hash)
        if known is not None:
            return known
        # Asked again: those who waited behind too many failures must not all have their turn.
        if not spend(failures, 0).remaining:
            return False
        matches = bcrypt.checkpw(parts.secret.encode(), secret_hash.encode())
        if not matches:
            spend(failures)
        checked = _Checked(proof, secret_hash, time.monotonic() + CHECKED_SECONDS)
        with _lock:
            if matches:
                _verified.remember(parts.public_id, checked)
            else:
                _refused.remember(proof.hex(), checked)
    return matches


def _known(public_id: str, proof: bytes, secret_hash: str) -> bool | None:
    """Whether the secret matched when it was last checked; None when that is not remembered."""
    if _says(_verified.get(public_id), proof, secret_hash):
        return True
    if _says(_refused.get(proof.hex()), proof, secret_hash):
        return False
    return None


def _says(checked: _Checked | None, proof: bytes, secret_hash: str) -> bool:
    """Whether this is what came of checking that text against that hash, and not too old."""
    return (
        checked is not None
        and checked.until > time.monotonic()
        and checked.secret_hash == secret_hash
        and hmac.compare_digest(checked.proof, proof)
    )


def allowed_limit(organization: Organization) -> Budget:
    """The organization's budget of events."""
    return _budget(organization.pk, organization.rate_limit_per_minute)


@lru_cache(maxsize=REMEMBERED)
def _budget(organization_id: uuid.UUID, limit: int) -> Budget:
    return Budget(f"events:{organization_id}", limit)

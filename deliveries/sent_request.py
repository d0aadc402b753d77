"""The request of an attempt as it was sent, put together again from the rows: it is stored nowhere.

For staff to compare with what a receiver says it got, and not to be sent again: of a signature there is its beginning,
of the tenant's own headers the names, of the URL all but the query.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast
from yarl import URL

from deliveries.claim import Claimed
from deliveries.custom_headers import opened
from deliveries.errors import InvalidSecret
from deliveries.message import OF_EVERY_REQUEST, message_body, message_headers, user_agent
from deliveries.models import Attempt, Delivery, Endpoint, EndpointSecret
from deliveries.outcome import FORBIDDEN, LOST, UNREACHABLE, UNSENT
from deliveries.secrets import secret_bytes
from events.models import Event
from organizations.admin_words import without_query
from organizations.encryption import decrypt

SHOWN_OF_SIGNATURE = 12  # characters
NOT_SHOWN = "(not shown)"

NO_CONNECTION = "Nothing of it went out: there was no connection to send it over."
CHANGED = (
    "The endpoint was changed since it was made: URL and own headers are today's,"
    " and need not be those of this attempt."
)
NO_KEY = "The endpoint's secret was set anew since: the signature can't be put together again."
UNREADABLE_KEY = "A secret that signed it can't be read: the signature can't be put together again."
UNREADABLE_HEADERS = "The endpoint's own headers can't be read, and are left out."
NO_PAYLOAD = "The payload was removed: the signature can't be put together again."


@dataclass(frozen=True)
class SentRequest:
    """`headers` in the order of the wire but for their case; `notes` say what is not certain."""

    url: str
    headers: dict[str, str]
    body_bytes: int | None
    notes: tuple[str, ...]
    method: str = "POST"


class SentRequests:
    """Of one event's attempts. Reads its payload, and the secrets of the endpoints, once."""

    def __init__(self, event_id: uuid.UUID, endpoints: Sequence[Endpoint]) -> None:
        texts = Event.objects.annotate(text=Cast("payload", TextField())).filter(pk=event_id)
        found = texts.values_list("created_at", "text", "traceparent").first()
        self.created_at: datetime = found[0] if found else datetime.now(UTC)
        self.payload: str | None = found[1] if found else None
        self.traceparent: str | None = found[2] if found else None
        self.secrets: dict[uuid.UUID, list[EndpointSecret]] = {}
        for secret in EndpointSecret.objects.filter(endpoint__in=endpoints).order_by("-created_at"):
            self.secrets.setdefault(secret.endpoint_id, []).append(secret)

    def body(self, delivery: Delivery) -> str | None:
        """The same for every attempt of the event; None when its payload was removed."""
        if self.payload is None:
            return None
        return message_body(self._claimed(delivery, number=0, moment=self.created_at)).decode()

    def of(self, attempt: Attempt, delivery: Delivery) -> SentRequest | None:
        """`delivery` has its endpoint at hand. None when we never came so far as to make one."""
        if attempt.outcome in (UNSENT, LOST):
            return None
        return self.made(delivery, number=attempt.number, moment=attempt.started_at, outcome=attempt.outcome)

    def made(self, delivery: Delivery, *, number: int, moment: datetime, outcome: str = "") -> SentRequest:
        endpoint = delivery.endpoint
        claimed = self._claimed(delivery, number=number, moment=moment)
        body = message_body(claimed)
        keys, key_fault = self._keys(endpoint, moment)
        custom, headers_fault = _names_of_own_headers(endpoint)
        headers = {
            "Host": _host(endpoint.url),
            **OF_EVERY_REQUEST,
            **message_headers(
                claimed,
                body,
                keys=keys,
                timestamp=int(moment.timestamp()),
                user_agent=user_agent(settings.VERSION),
                custom=custom,
                traceparent=self._traceparent(endpoint),
            ),
        }
        fault = NO_PAYLOAD if self.payload is None else key_fault
        headers["webhook-signature"] = NOT_SHOWN if fault else shortened(headers["webhook-signature"])
        if self.payload is not None:
            headers["Content-Length"] = str(len(body))
        unconnected = NO_CONNECTION if outcome in (FORBIDDEN, UNREACHABLE) else ""
        changed = CHANGED if endpoint.revision > 1 else ""
        notes = tuple(note for note in (unconnected, changed, headers_fault, fault) if note)
        return SentRequest(
            without_query(endpoint.url), headers, None if self.payload is None else len(body), notes
        )

    def _claimed(self, delivery: Delivery, *, number: int, moment: datetime) -> Claimed:
        """The delivery as the engine had it in its hands."""
        endpoint = delivery.endpoint
        return Claimed(
            id=str(delivery.pk),
            organization_id=str(delivery.organization_id),
            event_id=str(delivery.event_id),
            endpoint_id=str(delivery.endpoint_id),
            event_type=delivery.event_type,
            claim=number,
            lost_claims=0,
            attempts=0,
            test=delivery.test,
            manual=False,
            url=endpoint.url,
            revision=endpoint.revision,
            probed=False,
            payload=self.payload or "null",
            event_created_at=self.created_at,
            claimed_at=moment,
        )

    def _traceparent(self, endpoint: Endpoint) -> str | None:
        """While traces are on each attempt has one of its own, which is kept nowhere here."""
        if not endpoint.send_traceparent:
            return None
        return NOT_SHOWN if settings.TRACES else self.traceparent

    def _keys(self, endpoint: Endpoint, moment: datetime) -> tuple[list[bytes], str]:
        """Those that were valid at that moment, the one that was current then first; and why they are not all."""
        there = [one for one in self.secrets.get(endpoint.pk, []) if one.created_at <= moment]
        valid = [one for one in there if one.valid_until is None or one.valid_until > moment]
        if not valid:
            return [], NO_KEY
        current, *older = valid
        older.sort(key=lambda one: one.valid_until or datetime.max.replace(tzinfo=UTC), reverse=True)
        try:
            return [secret_bytes(decrypt(one.encrypted)) for one in (current, *older)], ""
        except (InvalidToken, InvalidSecret):
            return [], UNREADABLE_KEY


def _host(url: str) -> str:
    """As aiohttp writes it."""
    return (URL(url).host_port_subcomponent or "").rstrip(".")


def shortened(signatures: str) -> str:
    return " ".join(f"{one[:SHOWN_OF_SIGNATURE]}…" for one in signatures.split())


def _names_of_own_headers(endpoint: Endpoint) -> tuple[dict[str, str], str]:
    try:
        names: Iterable[str] = opened(endpoint.encrypted_headers)
    except InvalidToken:
        return {}, UNREADABLE_HEADERS
    return dict.fromkeys(names, NOT_SHOWN), ""

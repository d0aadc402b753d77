"""A developer's ear at the inbox: events are fetched by the API, and handed to a local URL, signed.

A plain client: what it knows is what the key may see. The inbox lists the newest first, and an event may be committed
after one whose id is higher; so a look goes back for a while, and leaves out what it has seen.
"""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import requests
from django.utils import timezone

from deliveries.claim import Claimed
from deliveries.message import message_body, message_headers

TIMEOUT = 30.0  # seconds
BACK = timedelta(seconds=30)
PAGE = 200


class Refused(Exception):
    """The API said no; in words."""


class Away(Exception):
    """The API can't be reached, or not just now."""


class Listed(msgspec.Struct):
    """An event as the inbox has it; the payload as it stands there, to the digit."""

    id: uuid.UUID
    type: str
    payload: msgspec.Raw
    created_at: datetime


class _Page(msgspec.Struct):
    items: list[Listed]
    next_cursor: str | None


class Inbox:
    def __init__(self, url: str, key: str, *, event_type: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies and passwords of the environment
        self._session.headers["X-API-Key"] = key
        self._type = {"type": event_type} if event_type else {}
        self._seen: dict[uuid.UUID, datetime] = {}
        self._until: datetime | None = None

    def begin_now(self) -> None:
        """What is there already is no news."""
        newest: datetime | None = None
        for event in self._newest_first(None):
            newest = newest or event.created_at
            if event.created_at < newest - BACK:
                break
            self._note(event)

    def news(self) -> Iterator[Listed]:
        """What came since the last look, the oldest first; what was not taken from here comes again."""
        back_to = self._until - BACK if self._until else None
        found = [event for event in self._newest_first(back_to) if event.id not in self._seen]
        for event in reversed(found):
            self._note(event)
            yield event
        self._forget()

    def _note(self, event: Listed) -> None:
        self._seen[event.id] = event.created_at
        self._until = max(self._until or event.created_at, event.created_at)

    def _forget(self) -> None:
        """Those that no look goes back to."""
        if self._until:
            kept_from = self._until - 2 * BACK
            self._seen = {event_id: at for event_id, at in self._seen.items() if at >= kept_from}

    def secret_of(self, endpoint_id: str | None) -> str:
        """The signing secret of the endpoint, or of the default one. Refused when the key may not see it."""
        if endpoint_id is None:
            endpoint_id = self._asked("GET", "/api/webhook/config").json()["endpoint_id"]
        if endpoint_id is None:
            raise Refused("There is no endpoint whose secret could be used.")
        return str(self._asked("GET", f"/api/endpoints/{endpoint_id}/secret").json()["secret"])

    def acknowledge(self, event: Listed) -> None:
        self._asked("POST", f"/api/ack/{event.id}")

    def _newest_first(self, back_to: datetime | None) -> Iterator[Listed]:
        cursor: dict[str, str] = {}
        while True:
            query = {"limit": str(PAGE), **self._type, **cursor}
            answer = self._asked("GET", "/api/inbox", params=query)
            page = msgspec.json.decode(answer.content, type=_Page)
            # What a look begins with may be old: an event that was left out for its age would be a new one each time.
            yield from (event for event in page.items if back_to is None or event.created_at >= back_to)
            if page.next_cursor is None or (back_to and page.items[-1].created_at < back_to):
                return
            cursor = {"cursor": page.next_cursor}

    def _asked(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method, self._url + path, timeout=TIMEOUT, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            raise Away(f"{self._url} does not answer ({type(error).__name__}).") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Away(f"{self._url} answers {answer.status_code}.")
        if not answer.ok:
            raise Refused(f"{method} {path} is answered with {answer.status_code}: {_detail(answer)}")
        return answer


def _detail(answer: requests.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return "that is no answer of Triggers."


# --- Handing on ---------------------------------------------------------------------------------------------------


class Forwarded(msgspec.Struct):
    """What the local URL answered: `status`, or without one why not."""

    status: int | None
    error: str
    seconds: float

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def forward(event: Listed, url: str, *, secret: bytes, user_agent: str) -> Forwarded:
    """As a first attempt has it. The id of the delivery is made up: here is none."""
    claimed = _as_claimed(event, url)
    body = message_body(claimed)
    headers = message_headers(
        claimed, body, keys=[secret], timestamp=int(time.time()), user_agent=user_agent, custom={}
    )
    began = time.monotonic()
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        return Forwarded(None, type(error).__name__, time.monotonic() - began)
    return Forwarded(answer.status_code, "", time.monotonic() - began)


def _as_claimed(event: Listed, url: str) -> Claimed:
    return Claimed(
        id=str(uuid.uuid4()),
        organization_id="",
        event_id=str(event.id),
        endpoint_id="",
        event_type=event.type,
        claim=1,
        lost_claims=0,
        attempts=0,
        test=False,
        manual=False,
        url=url,
        revision=1,
        probed=False,
        payload=bytes(event.payload).decode(),
        event_created_at=event.created_at.astimezone(UTC),
        claimed_at=timezone.now(),
    )

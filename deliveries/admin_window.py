"""Which of an endpoint's deliveries: by when they were made, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from deliveries.admin_endpoint_words import deliveries_to
from deliveries.models import Endpoint
from deliveries.querysets import DeliveryQuerySet
from organizations.admin_filters import moment

WHICH = {"dead_letter": "Dead letters", "all": "All: delivered, dead letters and canceled"}


@dataclass(frozen=True)
class Window:
    """Made at or after `since` and before `until`, which may be open. `status` is one of WHICH."""

    since: datetime
    until: datetime | None
    status: str

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Window":
        """From a form. ValueError, whose text is for a person."""
        try:
            since, until = (moment(str(given.get(name, ""))) for name in ("since", "until"))
        except ValueError:
            raise ValueError("Write a time like 2026-11-23 14:00.") from None
        if since is None:
            raise ValueError("Say from when.")
        if until is not None and until <= since:
            raise ValueError("The end is not after the beginning.")
        status = given.get("status", "")
        if status not in WHICH:
            raise ValueError("Say which.")
        return cls(since, until, status)

    def of(self, endpoint: Endpoint) -> DeliveryQuerySet:
        status = None if self.status == "all" else self.status
        return deliveries_to(endpoint).matching(status=status, since=self.since, until=self.until)

    def fields(self) -> list[tuple[str, str]]:
        """As `read` takes them."""
        until = self.until.isoformat() if self.until else ""
        return [("since", self.since.isoformat()), ("until", until), ("status", self.status)]

    def as_query(self) -> str:
        return urlencode(self.fields())


def usual_window() -> dict[str, str]:
    """What the form begins with: the dead letters of the last day."""
    since = timezone.now() - timedelta(days=1)
    return {"since": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M}", "status": "dead_letter"}

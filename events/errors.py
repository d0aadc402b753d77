"""What can be refused here. How each looks over HTTP is one table: `triggers_project/problems.py`."""

from organizations.errors import Refused


class DuplicateEvent(Refused):
    """The dedup id was used within the last 24 hours, by the event `event_id`."""

    def __init__(self, event_id: str) -> None:
        super().__init__(
            "An event with this dedup_id was accepted within the last 24 hours.",
            event_id=event_id,
        )
        self.event_id = event_id


class EventNotFound(Refused):
    """No such event of this tenant."""


class NoEndpoint(Refused):
    """The tenant has neither an endpoint nor said that the inbox is enough."""


class IdempotencyMismatch(Refused):
    """The Idempotency-Key was used within the last 24 hours with another body."""


class IdempotencyInFlight(Refused):
    """The first call with this Idempotency-Key is not done yet."""


class SearchTooBroad(Refused):
    """The search was given up: it would have looked at too much."""

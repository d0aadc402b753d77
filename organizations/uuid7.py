"""UUIDv7 as a clock: ids made at or after a moment are not below `first_id_at(moment)`."""

import uuid
from datetime import datetime, timedelta

# An id is made a little before or after its row's created_at: at the other end of a transaction, by another clock.
SLACK = timedelta(minutes=10)
# Where whoever accepts makes it, by a clock of their own, which may be a day off.
SLACK_OF_CLOCKS = timedelta(hours=26)


def first_id_at(moment: datetime, slack: timedelta = timedelta(0)) -> uuid.UUID:
    """The lowest UUID with that moment's milliseconds, `slack` later; before 1970 the lowest of all."""
    milliseconds = int((moment.timestamp() + slack.total_seconds()) * 1000)
    return uuid.UUID(int=max(0, milliseconds) << 80)


def id_bounds(since: datetime | None, until: datetime | None, *, slack: timedelta) -> dict[str, uuid.UUID]:
    """What `filter` takes besides a period of `created_at`, which is in no index: ids are."""
    bounds = {}
    if since:
        bounds["pk__gte"] = first_id_at(since, -slack)
    if until:
        bounds["pk__lt"] = first_id_at(until, slack)
    return bounds

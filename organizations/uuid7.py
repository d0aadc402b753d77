"""UUIDv7 as a clock: ids made at or after a moment are not below `first_id_at(moment)`."""

import uuid
from datetime import datetime


def first_id_at(moment: datetime) -> uuid.UUID:
    """The lowest UUID with that moment's milliseconds; before 1970 the lowest of all."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return uuid.UUID(int=milliseconds << 80)

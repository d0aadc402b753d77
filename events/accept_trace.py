"""A call that accepts events, as its trace tells of it: from its request to its answer, through either door.

While traces are off, all there is of it is the caller's own `traceparent`, which is kept with the event.
"""

import time
from typing import TYPE_CHECKING

from organizations.traceparent import read_traceparent, trace_facts
from organizations.traces import tracing

if TYPE_CHECKING:
    from organizations.tracing import OpenSpan


class AcceptTrace:
    """`traceparent` is what is kept with the events: of our span, if there is one, else the caller's."""

    def __init__(self, given: str | None, *, path: str, began: float) -> None:
        """`given`: the header as it came. `began`: time.perf_counter."""
        self.traceparent = read_traceparent(given)
        self._span: OpenSpan | None = None
        if (on := tracing()) is not None:
            started_ns = time.time_ns() - int((time.perf_counter() - began) * 1e9)
            self._span = on.begin_accept(parent=self.traceparent, started_ns=started_ns)
            self.traceparent = self._span.traceparent
        self._facts: dict[str, str | int] = {"http.request.method": "POST", "http.route": path}

    @property
    def log_facts(self) -> dict[str, str]:
        return trace_facts(self.traceparent)

    def note_event(self, event_id: str, event_type: str) -> None:
        self._facts |= {"triggers.event_id": event_id, "triggers.event_type": event_type}

    def note_batch(self, *, accepted: int) -> None:
        self._facts["triggers.accepted"] = accepted

    def end(self, status_code: int, *, organization_id: str | None) -> None:
        if self._span is None:
            return
        self._facts["http.response.status_code"] = status_code
        if organization_id is not None:
            self._facts["triggers.organization_id"] = organization_id
        self._span.end(self._facts, error=str(status_code) if status_code >= 500 else None)

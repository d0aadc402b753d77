"""What django-prometheus counts of a request, for requests that Django does not see.

Each figure of a request is written to a file that the exporter reads: sixteen of them are an eighth of what a request
costs. So requests are gathered first, and counted together a few times a second.
"""

import asyncio
from collections import Counter
from typing import NamedTuple

from django_prometheus.middleware import Metrics
from prometheus_client import Gauge

from organizations.metrics import key_checks, observe_all

COUNTED_EVERY = 0.25  # seconds
SEEN_FROM_0 = ("202", "500", "503")  # so that the first one is seen as growth

# When none is left, nothing is refused either: only this tells.
web_workers = Gauge("triggers_web_workers", "Processes that serve the web.", multiprocess_mode="livesum")


class Counted(NamedTuple):
    """One answered request; `asked` and `answered`: bytes of the two bodies."""

    status: int
    transport: str
    seconds: float
    asked: int
    answered: int


class RequestMetrics:
    """POSTs to one view. `view` is Django's name for it."""

    def __init__(self, view: str) -> None:
        self._view = view
        self._gathered: list[Counted] = []
        for status in SEEN_FROM_0:
            Metrics.get_instance().responses_by_status_view_method.labels(
                status=status, view=view, method="POST"
            )

    def add(self, request: Counted) -> None:
        """To be called in an event loop."""
        if not self._gathered:
            asyncio.get_running_loop().call_later(COUNTED_EVERY, self.count)
        self._gathered.append(request)

    def count(self) -> None:
        """Counts what has been gathered."""
        requests, self._gathered = self._gathered, []
        metrics, view = Metrics.get_instance(), self._view
        metrics.requests_total.inc(len(requests))
        metrics.responses_total.inc(len(requests))
        metrics.requests_by_method.labels(method="POST").inc(len(requests))
        key_checks.labels("valid").inc(len(requests))
        metrics.responses_by_charset.labels(charset="utf-8").inc(len(requests))
        for transport, number in Counter(request.transport for request in requests).items():
            metrics.requests_by_transport.labels(transport=transport).inc(number)
            metrics.requests_by_view_transport_method.labels(
                view=view, transport=transport, method="POST"
            ).inc(number)
        for status, number in Counter(str(request.status) for request in requests).items():
            metrics.responses_by_status.labels(status=status).inc(number)
            metrics.responses_by_status_view_method.labels(status=status, view=view, method="POST").inc(
                number
            )
        seconds = [request.seconds for request in requests]
        observe_all(metrics.requests_latency_before, seconds)
        observe_all(metrics.requests_latency_by_view_method.labels(view=view, method="POST"), seconds)
        observe_all(metrics.requests_body_bytes, [request.asked for request in requests])
        observe_all(metrics.responses_body_bytes, [request.answered for request in requests])

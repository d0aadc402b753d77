"""Traces, if they are on (`settings.TRACES`): started once in each process that makes spans, after it was forked.

While they are off nothing of OpenTelemetry is imported, and `tracing()` is None.
"""

import atexit
import threading
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from organizations.tracing import Tracing

FLUSH_SECONDS = 2.0  # for the last spans of a process that ends; longer it waits for no collector


class _Process:
    tracing: "Tracing | None" = None


def tracing() -> "Tracing | None":
    """What makes spans in this process; None while traces are off."""
    return _Process.tracing


def start() -> "Tracing | None":
    if _Process.tracing is None and settings.TRACES:
        from organizations.tracing import Tracing  # the extra `traces`, which need not be installed

        _Process.tracing = Tracing(version=settings.VERSION)
        atexit.register(stop)
    return _Process.tracing


def stop() -> None:
    """Sends what is not sent yet, in a thread: an exporter whose collector hangs would hold up the end."""
    if _Process.tracing is not None:
        atexit.unregister(stop)
        closing = threading.Thread(target=_Process.tracing.close, name="last spans", daemon=True)
        closing.start()
        closing.join(FLUSH_SECONDS)
        _Process.tracing = None

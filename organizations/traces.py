"""Traces, if they are on (`settings.TRACES`): started once in each process that makes spans, after it was forked.

While they are off nothing of OpenTelemetry is imported, and `tracing()` is None.
"""

import atexit
import threading
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

if TYPE_CHECKING:
    from organizations.tracing import Tracing

FLUSH_SECONDS = 2.0  # for the last spans of a process that ends; longer it waits for no collector


log = structlog.get_logger(__name__)


class _Process:
    tracing: "Tracing | None" = None
    has_tried = False


def tracing() -> "Tracing | None":
    """What makes spans in this process; None while traces are off."""
    return _Process.tracing


def start() -> "Tracing | None":
    """Whatever OpenTelemetry finds wrong with its variables, events go on being accepted and sent, without traces."""
    if settings.TRACES and _Process.tracing is None and not _Process.has_tried:
        _Process.has_tried = True
        from organizations.tracing import Tracing  # the extra `traces`, which need not be installed

        try:
            _Process.tracing = Tracing(version=settings.VERSION)
            atexit.register(stop)
        except Exception:  # anything: the SDK reads its variables itself, and no trace is worth an event
            log.exception("traces.cannot_start")
    return _Process.tracing


def stop() -> None:
    """Sends what is not sent yet, in a thread: an exporter whose collector hangs would hold up the end."""
    if _Process.tracing is not None:
        atexit.unregister(stop)
        closing = threading.Thread(target=_Process.tracing.close, name="last spans", daemon=True)
        try:
            closing.start()
            closing.join(FLUSH_SECONDS)
        except RuntimeError:
            # From Python 3.12 on no thread starts so late. Workers, which call `stop` themselves, don't come here.
            log.warning("traces.last_spans_lost")
        _Process.tracing = None
        _Process.has_tried = False

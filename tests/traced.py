"""What the spans of a test tell."""

from typing import Any, Self

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from organizations import traces
from organizations.tracing import Tracing

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLERS = f"00-{TRACE_ID}-{SPAN_ID}-01"


class Traced:
    """Traces of this process, for the block: `tracing`, and what it made."""

    def __enter__(self) -> Self:
        self._kept = InMemorySpanExporter()
        self.tracing = traces._Process.tracing = Tracing(version="0", exporter=self._kept)
        return self

    def __exit__(self, *_: object) -> None:
        traces.stop()

    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, in order."""
        self.tracing._provider.force_flush()
        return list(self._kept.get_finished_spans())

    def span(self) -> ReadableSpan:
        """The only one."""
        (found,) = self.spans()
        return found


def traceparent_of(span: ReadableSpan) -> str:
    context = span.context
    return f"00-{trace_id_of(span)}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_id_of(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def parent_of(span: ReadableSpan) -> tuple[str, str] | None:
    """Trace id and span id."""
    return _ids(span.parent) if span.parent else None


def links_of(span: ReadableSpan) -> list[tuple[str, str]]:
    return [_ids(link.context) for link in span.links]


def _ids(context: Any) -> tuple[str, str]:
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"

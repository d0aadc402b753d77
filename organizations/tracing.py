"""Spans, made by hand with OpenTelemetry's SDK and sent by a thread of its own (OTLP over HTTP, protobuf).

The only module that imports the extra `traces`; imported by nobody while traces are off. The SDK reads OpenTelemetry's
variables itself: where to, headers, service name, sampler, how much is queued. What does not fit into the queue, or is
not taken, is dropped: nobody waits for a collector.
"""

from collections.abc import Mapping, Sequence

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

Facts = Mapping[str, str | int]

log = structlog.get_logger(__name__)


class Tracing:
    """Makes the spans of one process."""

    def __init__(self, *, version: str, exporter: SpanExporter | None = None) -> None:
        """`exporter` stands in for the one that OpenTelemetry's variables describe."""
        self._provider = TracerProvider(resource=resource_of(version), shutdown_on_exit=False)
        exporter = ToldOnce(exporter or OTLPSpanExporter())
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("triggers", version)

    def begin_accept(self, *, parent: str | None, started_ns: int) -> "OpenSpan":
        """`parent` is a valid traceparent; `started_ns` are nanoseconds since 1970."""
        context = Context() if parent is None else under(parent)
        return OpenSpan(self._tracer.start_span("accept", context, SpanKind.SERVER, start_time=started_ns))

    def begin_attempt(self, *, parent: str | None, linked: bool) -> "OpenSpan":
        """`linked`: in a trace of its own that points to the parent."""
        if parent is not None and not linked:
            return OpenSpan(self._tracer.start_span("attempt", under(parent), SpanKind.CLIENT))
        links = [] if parent is None else [Link(remote(parent))]
        return OpenSpan(self._tracer.start_span("attempt", Context(), SpanKind.CLIENT, links=links))

    def close(self) -> None:
        """Sends what is queued."""
        self._provider.shutdown()


class OpenSpan:
    """What has begun and has to be ended."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, facts: Facts, *, error: str | None = None) -> None:
        """`error`: what kind of failure it was."""
        if self._span.is_recording():
            self._span.set_attributes(facts)
            if error is not None:
                self._span.set_attribute("error.type", error)
                self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def under(parent: str) -> Context:
    return set_span_in_context(NonRecordingSpan(remote(parent)), Context())


def remote(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )


def resource_of(version: str) -> Resource:
    """Ours, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES give it a name."""
    found = Resource.create({SERVICE_VERSION: version})
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        found = found.merge(Resource({SERVICE_NAME: "triggers"}))
    return found


class ToldOnce(SpanExporter):
    """Says once that spans are not taken, and once that they are again: a collector may be away for days."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception as error:
            log.debug("traces.export_crashed", error=type(error).__name__)
            result = SpanExportResult.FAILURE
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("traces.not_taken", spans=len(spans))
            self._lost += len(spans)
        elif self._lost:
            log.info("traces.taken_again", lost=self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

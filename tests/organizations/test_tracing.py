"""What happens to spans whose collector is away, and what they are made of."""

import logging
from collections.abc import Sequence

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from organizations.tracing import ToldOnce, resource_of

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


class InTurn(SpanExporter):
    """Gives these results, one after the other; an exception is raised."""

    def __init__(self, *results: SpanExportResult | Exception) -> None:
        self.results = list(results)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def test_that_a_collector_is_away_is_said_once_and_once_that_it_is_back() -> None:
    span = ReadableSpan("one")
    exporter = ToldOnce(InTurn(SUCCESS, FAILURE, FAILURE, OSError(), SUCCESS, SUCCESS))
    with structlog.testing.capture_logs() as facts:
        results = [exporter.export([span, span]) for _ in range(6)]
    assert results == [SUCCESS, FAILURE, FAILURE, FAILURE, SUCCESS, SUCCESS]
    assert [fact for fact in facts if fact["log_level"] != "debug"] == [
        {"event": "traces.not_taken", "log_level": "warning", "spans": 2},
        {"event": "traces.taken_again", "log_level": "info", "lost": 6},
    ]


def test_what_the_sdk_says_of_each_failure_is_not_in_the_log() -> None:
    assert not logging.getLogger("opentelemetry.exporter.otlp").isEnabledFor(logging.ERROR)


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("OTEL_LOG_LEVEL", "info", "triggers"),
        ("OTEL_SERVICE_NAME", "hooks", "hooks"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=hooks", "hooks"),
    ],
)
def test_the_service_is_called_triggers_unless_it_is_given_a_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str
) -> None:
    monkeypatch.setenv(variable, value)
    attributes = resource_of("1.2.3").attributes
    assert (attributes["service.name"], attributes["service.version"]) == (name, "1.2.3")

"""When there are traces, and what it costs when there are none."""

import subprocess
import sys
from pathlib import Path

import pytest

from organizations import traces as process_traces
from triggers_project import traces
from triggers_project.environment import BadEnvironment, Environment
from triggers_project.traces import traces_wanted

ROOT = Path(__file__).resolve().parents[2]
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "hooks"}, False),
        (COLLECTOR, True),
        ({**COLLECTOR, "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector.example/v1/traces"}, True),
        ({**COLLECTOR, "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, True),
    ],
)
def test_there_are_traces_when_a_collector_is_named(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], wanted: bool
) -> None:
    monkeypatch.setattr(traces.os, "environ", {})
    assert traces_wanted(Environment(environ)) is wanted


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "does not start with http:// or https://"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "'grpc' is not one of http/protobuf"),
        ("OTEL_TRACES_SAMPLER", "some", "'some' is not one of always_on, always_off, traceidratio, "),
        ("OTEL_TRACES_SAMPLER_ARG", "2", "2.0 is not between 0.0 and 1.0"),
    ],
)
def test_what_the_sdk_would_pass_over_stops_the_start(variable: str, value: str, words: str) -> None:
    with pytest.raises(BadEnvironment) as error:
        traces_wanted(Environment({**COLLECTOR, variable: value}))
    assert str(error.value).startswith(variable)
    assert words in str(error.value)


def test_without_the_extra_the_words_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "find_spec", lambda _: None)
    with pytest.raises(BadEnvironment) as error:
        traces_wanted(Environment(COLLECTOR))
    assert str(error.value) == (
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra for traces is not installed: install "
        "requirements/traces.txt (pip install 'triggers[traces]'), or unset it"
    )


def test_a_variable_that_is_read_from_a_file_is_handed_to_the_sdk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "headers").write_text("authorization=hidden\n")
    handed: dict[str, str] = {}
    monkeypatch.setattr(traces.os, "environ", handed)
    named = {"OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "headers")}
    assert traces_wanted(Environment({**COLLECTOR, **named}))
    assert handed == {**COLLECTOR, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=hidden"}


def test_a_child_that_reads_the_settings_again_finds_one_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "headers").write_text("authorization=hidden\n")
    handed = {**COLLECTOR, "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "headers")}
    monkeypatch.setattr(traces.os, "environ", handed)
    assert traces_wanted(Environment(dict(handed)))
    assert traces_wanted(Environment(dict(handed)))


def test_what_the_sdk_can_not_do_costs_the_traces_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, settings: pytest.FixtureDef
) -> None:
    settings.TRACES = True
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5000")  # more than fit into its queue
    monkeypatch.setattr(process_traces._Process, "has_tried", False)
    assert [process_traces.start(), process_traces.start()] == [None, None]


def test_while_there_are_none_nothing_of_it_is_imported() -> None:
    """Neither by the web nor by who sends."""
    look = (
        "import sys, triggers_project.rsgi; from deliveries import delivering;"
        "engine = delivering.new_engine(bool);"
        "print(engine.tracing, [name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert ended.stdout == "None []\n"

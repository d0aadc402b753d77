"""Each alert fires when it should, alone, and none when all is well. promtool works out what Prometheus would."""

from pathlib import Path

import pytest

from tests.deploy.promtool import alerts, needs_promtool, promtool, verdict
from triggers_project.local.stack import ROOT

ANSWERS = 'django_http_responses_total_by_status_view_method_total{method="POST",view="events.api.Events",status="%s"}'
TOOK = (
    "django_http_requests_latency_seconds_by_view_method_bucket"
    '{method="POST",view="events.api.Events",le="%s"}'
)
FIRST = 'triggers_accept_to_first_attempt_seconds_bucket{le="%s"}'
WORKERS = 'triggers_workers{role="deliveries",state="alive"}'
DEAD = 'triggers_deliveries_total{status="dead_letter"}'
UP = 'up{job="triggers"}'
HOURS = 7 * 60  # of one value a minute, for what looks hours back
AT = ("7h",)
SOON = 60  # of them, for what asks how it is now: promtool works out each minute before
AT_SOON = ("1h",)


def steadily(growth: float) -> str:
    return f"0+{growth}x{HOURS}"


def since_a_while(before: float, after: float, *, minutes: int = 20) -> str:
    """A gauge that changed so long before the end."""
    return f"{before}x{SOON - minutes} {after}x{minutes + 8}"


def growing(before: float, after: float, *, minutes: int) -> str:
    """A counter that grew so much each minute, and otherwise in the last minutes."""
    quiet = HOURS - minutes
    return f"0+{before}x{quiet} {before * quiet}+{after}x{minutes + 8}"


WELL = {
    ANSWERS % "202": steadily(1000),
    ANSWERS % "503": steadily(0.5),
    TOOK % "0.025": steadily(900),
    TOOK % "0.05": steadily(990),
    TOOK % "0.1": steadily(998),
    TOOK % "+Inf": steadily(1000),
    FIRST % "0.5": steadily(900),
    FIRST % "5.0": steadily(990),
    FIRST % "10.0": steadily(998),
    FIRST % "+Inf": steadily(1000),
    "triggers_oldest_due_seconds": f"3x{HOURS}",
    DEAD: f"5x{HOURS}",
    "triggers_scheduler_up": f"1x{HOURS}",
    WORKERS: f"2x{HOURS}",
    "triggers_web_workers": f"2x{HOURS}",
    "triggers_database_up": f"1x{HOURS}",
    "triggers_redis_up": f"1x{HOURS}",
    "triggers_replica_up": f"1x{HOURS}",
    "triggers_replica_lag_seconds": f"0.2x{HOURS}",
    UP: f"1x{HOURS}",
}
EXPORTER = {"job": "triggers"}
ILL_FOR_HOURS = {
    "TriggersAcceptBudgetFast": {ANSWERS % "503": growing(0, 400, minutes=20)},
    "TriggersAcceptBudgetSlow": {ANSWERS % "503": steadily(8)},
    "TriggersAcceptSlow": {TOOK % "0.05": growing(990, 940, minutes=30)},
    "TriggersFirstAttemptSlow": {FIRST % "5.0": growing(990, 940, minutes=30)},
    "TriggersDeadLettersGrow": {DEAD: growing(0, 1, minutes=20)},
}
ILL_NOW = {
    "TriggersBacklogOld": {"triggers_oldest_due_seconds": since_a_while(3, 61)},
    "TriggersSchedulerSilent": {"triggers_scheduler_up": since_a_while(1, 0)},
    "TriggersWorkersGone": {WORKERS: since_a_while(2, 0)},
    "TriggersWebGone": {"triggers_web_workers": f"2x{SOON - 20} stale"},
    "TriggersExporterDown": {UP: since_a_while(1, 0)},
    "TriggersDatabaseDown": {"triggers_database_up": since_a_while(1, 0)},
    "TriggersRedisDown": {"triggers_redis_up": since_a_while(1, 0)},
    "TriggersReplicaOut": {
        "triggers_replica_up": since_a_while(1, 0),
        "triggers_replica_lag_seconds": f"0.2x{SOON - 20} stale",
    },
}
LABELS = {"TriggersExporterDown": EXPORTER}


@needs_promtool
def test_prometheus_takes_its_configuration_and_the_rules() -> None:
    done = promtool("check", "config", "deploy/prometheus/prometheus.yml")
    assert done.returncode == 0, done.stderr
    assert "FAILED" not in done.stdout


@needs_promtool
def test_when_all_is_well_no_alert_fires(tmp_path: Path) -> None:
    assert verdict(tmp_path, WELL, at=AT, firing={}) == ""


@needs_promtool
@pytest.mark.parametrize("name", ILL_FOR_HOURS)
def test_an_alert_that_looks_back_fires_alone_when_it_should(tmp_path: Path, name: str) -> None:
    series = {**WELL, **ILL_FOR_HOURS[name]}
    assert verdict(tmp_path, series, at=AT, firing={name: {}}) == ""


@needs_promtool
@pytest.mark.parametrize("name", ILL_NOW)
def test_an_alert_fires_alone_when_it_should(tmp_path: Path, name: str) -> None:
    series = {**WELL, **ILL_NOW[name]}
    assert verdict(tmp_path, series, at=AT_SOON, firing={name: LABELS.get(name, {})}) == ""


@needs_promtool
@pytest.mark.parametrize(("minutes", "fires"), [(20, True), (8, False)])
def test_a_replica_that_answers_and_is_behind_is_told_of_after_ten_minutes(
    tmp_path: Path, minutes: int, fires: bool
) -> None:
    series = {**WELL, "triggers_replica_lag_seconds": since_a_while(0.2, 11, minutes=minutes)}
    firing: dict[str, dict[str, str]] = {"TriggersReplicaOut": {}} if fires else {}
    assert verdict(tmp_path, series, at=AT_SOON, firing=firing) == ""


@needs_promtool
def test_where_there_is_no_replica_none_is_missed(tmp_path: Path) -> None:
    series = {name: values for name, values in WELL.items() if not name.startswith("triggers_replica")}
    assert verdict(tmp_path, series, at=AT_SOON, firing={}) == ""


# A gauge that is bad for one scrape: a restart, a slow answer.
BLIPS = {
    "triggers_oldest_due_seconds": f"3x{SOON - 2} 61 3",
    "triggers_scheduler_up": f"1x{SOON - 2} 0 1",
    WORKERS: f"2x{SOON - 2} 0 2",
    "triggers_web_workers": f"2x{SOON - 2} 0 2",
    "triggers_database_up": f"1x{SOON - 2} 0 1",
    "triggers_redis_up": f"1x{SOON - 2} 0 1",
    UP: f"1x{SOON - 2} 0 1",
}


@needs_promtool
@pytest.mark.parametrize("series", BLIPS)
def test_what_lasts_a_moment_wakes_nobody(tmp_path: Path, series: str) -> None:
    times = ("58m", "59m", "1h")
    assert verdict(tmp_path, {**WELL, series: BLIPS[series]}, at=times, firing={}) == ""


@needs_promtool
def test_an_exporter_that_is_not_even_asked_is_missed(tmp_path: Path) -> None:
    unknown = {name: values for name, values in WELL.items() if name != UP}
    firing = {"TriggersExporterDown": {**EXPORTER}}
    assert verdict(tmp_path, unknown, at=AT_SOON, firing=firing) == ""


def test_each_alert_is_tried() -> None:
    assert {*ILL_FOR_HOURS, *ILL_NOW} == set(alerts())


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_what_it_means_and_what_to_do(name: str) -> None:
    annotations = alerts()[name]["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert annotations["runbook_url"] == f"docs/runbooks/{name}.md"
    page = (ROOT / annotations["runbook_url"]).read_text()
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        f"# {name}",
        "## What it means",
        "## Is it us?",
        "## What to look at",
        "## What to do",
    ]


def test_each_page_has_its_alert() -> None:
    assert {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")} == set(alerts())

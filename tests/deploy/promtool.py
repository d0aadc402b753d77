"""Prometheus' own checker, if it is here: `make promtool` fetches it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from triggers_project.local.stack import ROOT

RULES = ROOT / "deploy/prometheus/rules.yml"
PROMTOOL = shutil.which("promtool", path=f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="There is no promtool: `make promtool` fetches it."
)


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    # It has little to collect, and would spend a quarter of its time on it.
    environ = {**os.environ, "GOGC": "400"}
    return subprocess.run(
        [str(PROMTOOL), *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def verdict(
    folder: Path, series: dict[str, str], *, at: Iterable[str], firing: dict[str, dict[str, str]]
) -> str:
    """What promtool finds wrong: that other alerts than `firing` (name -> labels) fire at those times. Empty: nothing.

    Each call costs it half a second, for the seven hours that lie before.
    """
    tests = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": time, "alertname": name, "exp_alerts": _expected(name, rule, firing)}
                    for time in at
                    for name, rule in alerts().items()
                ],
            }
        ],
    }
    path = folder / "tests.yml"
    path.write_text(json.dumps(tests))
    done = promtool("test", "rules", str(path))
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _expected(name: str, rule: dict[str, Any], firing: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    if name not in firing:
        return []
    return [{"exp_labels": {**rule["labels"], **firing[name]}, "exp_annotations": rule["annotations"]}]

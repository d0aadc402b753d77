"""The metrics that PromQL names. Not a parser: what is quoted, in braces, or not a metric is taken away, and what is
left are names."""

import json
import re
from typing import Any

from tests.deploy.promtool import rules
from triggers_project.local.stack import ROOT

DASHBOARD = ROOT / "deploy/grafana/dashboards/triggers.json"

_NOT_NAMES = [
    re.compile(r'"[^"]*"'),
    re.compile(r"\{[^}]*\}"),
    re.compile(r"\[[^\]]*\]"),
    re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"),
    re.compile(r"\b[a-z_0-9]+\s*(?=\()"),  # functions, and aggregations
    re.compile(r"\b(?:and|or|unless|bool|offset|by|without|on)\b"),
]
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def names_in(promql: str) -> set[str]:
    for pattern in _NOT_NAMES:
        promql = pattern.sub(" ", promql)
    return set(_NAME.findall(promql))


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text())["panels"])


def expressions() -> list[str]:
    """Of all rules and of the dashboard."""
    shown = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    return [rule["expr"] for rule in rules()] + shown


def named() -> set[str]:
    """Every metric that somebody has to serve: not what a rule records, and not Prometheus' own."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    return {name for promql in expressions() for name in names_in(promql)} - recorded - {"up"}

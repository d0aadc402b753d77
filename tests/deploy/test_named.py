import pytest
import yaml

from tests.deploy.named import expressions, named, names_in, panels
from tests.deploy.promtool import needs_promtool, promtool, rules
from triggers_project.local.stack import ROOT


@pytest.mark.parametrize(
    ("promql", "names"),
    [
        ('sum by (le, x) (rate(a_bucket{b="c", d=~"5.."}[5m])) / on() e:f > 0.05', {"a_bucket", "e:f"}),
        ('(max(a) or vector(0)) < 1 and on() max(up{job="t"}) == 1', {"a", "up"}),
        ("histogram_quantile(0.95, sum by (le) (rate(s_bucket[$__rate_interval])))", {"s_bucket"}),
    ],
)
def test_names_are_found(promql: str, names: set[str]) -> None:
    assert names_in(promql) == names


def test_all_that_is_named_is_ours_or_djangos() -> None:
    assert {name.split("_")[0] for name in named()} == {"triggers", "django"}


def test_what_the_dashboard_takes_from_rules_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    taken = {name for promql in expressions() for name in names_in(promql) if ":" in name}
    assert taken == recorded


def test_the_dashboard_has_its_rows_and_each_panel_its_place() -> None:
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert rows == ["Objectives", "Accepting", "Delivering", "Backlog", "Endpoints", "System"]
    assert len({panel["id"] for panel in panels()}) == len(panels())
    assert all(panel["targets"] for panel in panels() if panel["type"] != "row")


def test_its_source_is_the_one_that_is_provisioned() -> None:
    provisioned = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    (source,) = provisioned["datasources"]
    assert {panel["datasource"]["uid"] for panel in panels() if panel["type"] != "row"} == {source["uid"]}


@needs_promtool
def test_each_expression_is_promql(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("rules") / "dashboard.yml"
    records = [
        {"record": f"panel:{number}", "expr": promql.replace("$__rate_interval", "1m")}
        for number, promql in enumerate(expressions())
    ]
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": records}]}))
    done = promtool("check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr

"""deploy/kubernetes, as far as it can be tried without a cluster."""

import re
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.kubernetes import FOLDER, containers, kustomization, manifests, of_kind, pods, settings
from tests.deploy.promtool import RULES
from tests.triggers_project.test_serve_metrics import figures
from triggers_project.exporter.figures import DatabaseFigures
from triggers_project.local.stack import ROOT

OLDEST = "1.30"  # what is new since is not used
COUNTING = ("web", "worker", "housekeeper")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def test_all_of_it_fits_the_schema() -> None:
    for manifest in [*manifests("base"), *manifests("trial")]:
        kubernetes_validate.validate(manifest, OLDEST, strict=True)


@pytest.mark.parametrize("folder", ["base", "trial"])
def test_every_file_is_named_once(folder: str) -> None:
    named = [name for name in kustomization(folder)["resources"] if not name.startswith("..")]

    assert sorted([*named, "kustomization.yaml"]) == sorted(
        path.name for path in (FOLDER / folder).glob("*.yaml")
    )


def test_our_containers_can_do_no_more_than_they_need() -> None:
    for name, pod in pods().items():
        spec = pod["spec"]
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,  # the Dockerfile's
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }, name
        assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False), name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert set(container["resources"]) == {"requests", "limits"}, name
            assert {"cpu", "memory"} == set(container["resources"]["limits"]), name


def test_they_run_what_compose_runs(compose: dict[str, Any]) -> None:
    ours = {name: pod["spec"]["containers"][0] for name, pod in pods().items()}

    assert set(ours) == {"web", "worker", "housekeeper", "beat", "exporter", "migrate"}
    for name, container in ours.items():
        assert container.get("args") == compose[name].get("command"), name
        assert (container["image"], "command" in container) == ("triggers", False), name


def test_those_that_count_have_an_exporter_beside_them(compose: dict[str, Any]) -> None:
    for name, pod in pods().items():
        beside = pod["spec"]["containers"][1:]
        assert [one["args"] for one in beside] == (
            [[*compose["exporter"]["command"], "--counts-only"]] if name in COUNTING else []
        ), name
        folders = [one.get("env") for one in pod["spec"]["containers"]]
        assert (
            folders == [[{"name": "PROMETHEUS_MULTIPROC_DIR", "value": "/metrics"}]] * 2
            or name not in COUNTING
        )


def test_they_are_given_the_time_that_compose_gives_them(compose: dict[str, Any]) -> None:
    for name in COUNTING:
        assert (
            f"{pods()[name]['spec']['terminationGracePeriodSeconds']}s" == compose[name]["stop_grace_period"]
        )


def test_every_setting_is_known_and_secrets_are_in_files() -> None:
    known = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs/configuration.md").read_text()))

    assert {name.removesuffix("_FILE") for name in settings()} <= known
    files = {name: path for name, path in settings().items() if name.endswith("_FILE")}
    assert files == {
        f"{name}_FILE": f"/run/secrets/triggers/{name.lower()}"
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
    }
    for name, pod in pods().items():
        mounted = [
            {one["name"]: one["mountPath"] for one in each["volumeMounts"]} for each in containers(pod)
        ]
        assert {one["secrets"] for one in mounted} == {"/run/secrets/triggers"}, name
        assert {each["envFrom"][0]["configMapRef"]["name"] for each in containers(pod)} == {
            kustomization("base")["configMapGenerator"][0]["name"]
        }, name


def test_the_web_is_asked_for_its_own_life_alone() -> None:
    web = pods()["web"]["spec"]["containers"][0]
    probes = {name: probe["httpGet"] for name, probe in web.items() if name.endswith("Probe")}

    assert set(probes) == {"startupProbe", "readinessProbe", "livenessProbe"}
    for probe in probes.values():
        assert probe["path"] == "/health/live"  # with Redis away it accepts events, and must get them
        assert probe["httpHeaders"][0]["value"] in settings()["ALLOWED_HOSTS"].split(",")


def test_who_needs_the_tables_waits_for_them() -> None:
    waiting = {
        name for name, pod in pods().items() if "migrate --check" in str(pod["spec"].get("initContainers"))
    }

    assert waiting == {"web", "worker", "housekeeper", "beat"}


def test_whatever_selects_selects_something() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods().items()}
    for name, deployment in of_kind("Deployment").items():
        assert deployment["spec"]["selector"]["matchLabels"] == labels[name]
    for name, budget in of_kind("PodDisruptionBudget").items():
        assert budget["spec"]["selector"]["matchLabels"] == labels[name]
    for name, service in of_kind("Service").items():
        assert service["spec"]["selector"] == labels[name]
    (scaler,) = of_kind("HorizontalPodAutoscaler").values()
    assert scaler["spec"]["scaleTargetRef"]["name"] == of_kind("Deployment")["worker"]["metadata"]["name"]
    assert "replicas" not in of_kind("Deployment")["worker"]["spec"]  # each apply would undo the scaler's


@pytest.mark.usefixtures("committed")
def test_what_workers_are_scaled_by_is_served() -> None:
    (scaler,) = of_kind("HorizontalPodAutoscaler").values()
    metric = scaler["spec"]["metrics"][0]["external"]["metric"]["name"]
    adapter = yaml.safe_load((FOLDER / "monitoring/prometheus-adapter.yaml").read_text())["rules"][
        "external"
    ][0]
    keda = yaml.safe_load((FOLDER / "monitoring/keda.yaml").read_text())["spec"]["triggers"][0]["metadata"]

    assert metric in {name for name, *_ in figures(DatabaseFigures())}
    assert (adapter["seriesQuery"], adapter["name"]["as"]) == (metric, metric)
    assert keda["query"] == f"max({metric})"


def test_the_operator_gets_the_rules_that_everybody_gets() -> None:
    made = subprocess.run(
        [str(FOLDER / "monitoring/prometheus-rule")], capture_output=True, text=True, check=True
    )

    assert yaml.safe_load(made.stdout)["spec"] == yaml.safe_load(RULES.read_text())


def test_every_pod_that_serves_metrics_is_found_under_the_job_that_alerts_ask_for() -> None:
    monitor = yaml.safe_load((FOLDER / "monitoring/podmonitor.yaml").read_text())["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    serving = {
        name: pod["metadata"]["labels"]
        for name, pod in pods().items()
        if endpoint["port"] in [port["name"] for one in containers(pod) for port in one.get("ports", [])]
    }

    assert set(serving) == {*COUNTING, "exporter"}
    for labels in serving.values():
        assert monitor["selector"]["matchLabels"].items() <= labels.items()
        assert f'up{{job="{labels[monitor["jobLabel"]]}"}}' in RULES.read_text()

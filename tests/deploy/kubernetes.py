"""What deploy/kubernetes holds, read."""

from functools import cache
from typing import Any

import yaml

from triggers_project.local.stack import ROOT

FOLDER = ROOT / "deploy/kubernetes"
Manifest = dict[str, Any]


@cache
def manifests(folder: str) -> list[Manifest]:
    """All of a folder's files that its kustomization names."""
    names = kustomization(folder)["resources"]
    files = [FOLDER / folder / name for name in names if not name.startswith("..")]
    return [one for file in files for one in yaml.safe_load_all(file.read_text())]


@cache
def kustomization(folder: str) -> Manifest:
    found: Manifest = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text())
    return found


def of_kind(kind: str, folder: str = "base") -> dict[str, Manifest]:
    """By name, without what all of ours begin with."""
    return {
        one["metadata"]["name"].removeprefix("triggers-"): one
        for one in manifests(folder)
        if one["kind"] == kind
    }


def pods() -> dict[str, Manifest]:
    """The template of each that runs something of ours."""
    found = {**of_kind("Deployment"), **of_kind("Job")}
    return {name: one["spec"]["template"] for name, one in found.items()}


def containers(pod: Manifest) -> list[Manifest]:
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def settings() -> dict[str, str]:
    lines = (FOLDER / "base/settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))

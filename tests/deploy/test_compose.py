"""docker-compose.yml, as far as it can be tried without a Docker engine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from triggers_project.databases import databases
from triggers_project.environment import Environment
from triggers_project.local.stack import ROOT
from triggers_project.redis_settings import broker_url

COMPOSE = ROOT / "docker-compose.yml"
OURS = ("migrate", "web", "worker", "housekeeper", "beat", "exporter")
ONCE = ("migrate", "metrics-folder")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def test_it_fits_the_schema() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"

    done = subprocess.run(
        [str(checker), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_our_containers_can_do_no_more_than_they_need(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "user" not in service, name  # the image's own, which is not root
        assert "no-new-privileges:true" in service["security_opt"], name


def test_what_runs_for_ever_is_restarted_and_bounded(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name not in ONCE:
            assert service["restart"] == "always", name
            assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name


def test_no_secret_is_in_the_environment(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        values = " ".join(str(value) for value in service.get("environment", {}).values())
        assert "PASSWORD" not in values, name
        assert "SECRET" not in values, name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name


def test_where_other_servers_are_is_said_outside_and_empty_means_unset(compose: dict[str, Any]) -> None:
    names = ("DATABASE_POOLER", "DATABASE_REPLICA_URL", "BROKER_URL")
    for service in OURS:
        environment = compose["services"][service]["environment"]
        assert {name: environment[name] for name in names} == {name: f"${{{name}:-}}" for name in names}
    unset = Environment(dict.fromkeys(names, ""))
    url = "postgresql://u:hidden@host/name"
    assert databases(unset, url) == databases(Environment({}), url)
    assert broker_url(unset, "redis://redis:6379/0") == ""


def test_only_tls_is_open_to_the_world(compose: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}

    assert {
        name for name, open_ in ports.items() if not all(one.startswith("127.0.0.1:") for one in open_)
    } == {"caddy"}


def test_every_file_that_is_mounted_is_there(compose: dict[str, Any]) -> None:
    mounted = [
        volume.split(":")[0] for one in compose["services"].values() for volume in one.get("volumes", [])
    ]

    assert [path for path in mounted if path.startswith("./") and not (ROOT / path).exists()] == []


def test_secrets_are_made_once_and_the_settings_read_them(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/make-secrets", tmp_path / "deploy")
    make = [str(tmp_path / "deploy/make-secrets")]

    subprocess.run(make, check=True, capture_output=True)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    subprocess.run(make, check=True, capture_output=True)

    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == made
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert made["postgres_password"] in made["database_url"]
    files = {f"{name.upper()}_FILE": str(tmp_path / "secrets" / name) for name in made}
    environ = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path / "data"),
        "ALLOWED_HOSTS": "a.example",
        **files,
    }
    environ |= {"BEHIND_TLS_PROXY": "true", "HSTS_SECONDS": "31536000", "REDIS_URL": "redis://127.0.0.1:1/0"}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr

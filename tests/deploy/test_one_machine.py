"""Triggers on one machine without Docker: what deploy/run starts, and who starts it."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from triggers_project.local.stack import ROOT

DEPLOY = ROOT / "deploy"
PROCESSES = ("web", "worker", "housekeeper", "beat", "exporter")
EXAMPLE = DEPLOY / "triggers.env.example"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A release whose programs only say how they were called, and settings of this machine."""
    programs = tmp_path / "release/.venv/bin"
    programs.mkdir(parents=True)
    for name in ("granian", "celery", "python"):
        program = programs / name
        program.write_text('#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\n')
        program.chmod(0o755)
    (tmp_path / "release/deploy").mkdir()
    shutil.copy(DEPLOY / "run", tmp_path / "release/deploy")
    (tmp_path / "triggers.env").write_text(
        EXAMPLE.read_text().replace("/var/lib/triggers", str(tmp_path / "data"))
    )
    return tmp_path


def run(machine: Path, *words: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    return subprocess.run(
        [str(machine / "release/deploy/run"), *words],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "TRIGGERS_USER": user or me,
            "TRIGGERS_SETTINGS": str(machine / "triggers.env"),
        },
    )


def started(machine: Path, *words: str) -> list[str]:
    done = run(machine, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_runs_what_the_containers_run(compose: dict[str, Any], machine: Path) -> None:
    words = re.search(r"^CMD (\[.*?\])$", (ROOT / "Dockerfile").read_text(), re.DOTALL | re.MULTILINE)
    assert words is not None
    commands = {name: compose[name].get("command") for name in PROCESSES}
    commands["web"] = yaml.safe_load(words[1].replace("\\\n", ""))

    # What is in a container of its own need not be told from what else is on the machine.
    expected = {name: " ".join(command) for name, command in commands.items()}
    expected["web"] = expected["web"].replace("0.0.0.0", "127.0.0.1")
    expected["exporter"] = expected["exporter"].removesuffix(" --address 0.0.0.0")
    expected["beat"] = re.sub(r"\S+(?=/celerybeat)", f"{machine}/data", expected["beat"])

    assert {name: " ".join(started(machine, name)) for name in PROCESSES} == expected


def test_settings_count_and_a_second_worker_has_a_name_of_its_own(machine: Path) -> None:
    with (machine / "triggers.env").open("a") as settings:
        settings.write("DELIVERY_WORKERS=7\n")

    second = started(machine, "worker-2")

    assert second[second.index("--concurrency") + 1] == "7"
    assert second[second.index("-n") + 1] == "deliveries@%h-2"


def test_everything_else_is_a_command_of_manage_py(machine: Path) -> None:
    words = ["create_staff", "ada", "--email", "a b@c"]

    assert started(machine, *words) == ["python", "manage.py", *words]


def test_nobody_else_may_run_it(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = machine / "stranger/id"
    stranger.parent.mkdir()
    stranger.write_text('#!/bin/sh\n[ "$1" = -un ] && echo ada || echo 1000\n')
    stranger.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stranger.parent}:{os.environ['PATH']}")

    done = run(machine, "doctor", user="triggers")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "run: only root and triggers may.\n")


def test_the_settings_of_the_example_exist() -> None:
    known = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs/configuration.md").read_text()))
    named = re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)

    assert {name.removesuffix("_FILE") for name in named} - known == set()


def test_secrets_for_the_machine_are_made_once_and_nobody_else_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    group = subprocess.run(["id", "-gn"], capture_output=True, text=True, check=True).stdout.strip()
    make = [str(DEPLOY / "make-secrets"), str(folder)]
    environ = {**os.environ, "TRIGGERS_GROUP": group}

    subprocess.run(make, check=True, capture_output=True, env=environ)
    made = {file.name: file.read_text() for file in folder.iterdir()}
    subprocess.run(make, check=True, capture_output=True, env=environ)

    assert {file.name: file.read_text() for file in folder.iterdir()} == made
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "secret_key": 0o640,
        "field_encryption_keys": 0o640,
    }
    assert folder.stat().st_mode & 0o777 == 0o750


def seconds(compose: dict[str, Any], name: str) -> int:
    return int(compose[name].get("stop_grace_period", "10s").removesuffix("s"))


def test_supervisor_runs_each_and_gives_it_the_time_to_end(compose: dict[str, Any]) -> None:
    found = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    found.read(DEPLOY / "supervisor/triggers.conf")

    assert found["group:triggers"]["programs"].split(",") == list(PROCESSES)
    for name in PROCESSES:
        program = found[f"program:{name}"]
        assert program["command"] == f"/opt/triggers/current/deploy/run {name}"
        assert (program["user"], program["autorestart"]) == ("triggers", "true"), name
        assert int(program["stopwaitsecs"]) >= seconds(compose, name), name


def directives(unit: str) -> dict[str, str]:
    lines = (DEPLOY / "systemd" / unit).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_systemd_runs_each_and_gives_it_the_time_to_end(compose: dict[str, Any]) -> None:
    service, target = directives("triggers@.service"), directives("triggers.target")

    assert target["Wants"].split() == [f"triggers@{name}.service" for name in PROCESSES]
    assert service["ExecStart"] == "/opt/triggers/current/deploy/run %i"
    assert (service["User"], service["Restart"], service["NoNewPrivileges"]) == ("triggers", "always", "yes")
    assert int(service["TimeoutStopSec"]) >= max(seconds(compose, name) for name in PROCESSES)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing: install systemd")
def test_systemd_understands_the_units() -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(DEPLOY / "systemd/triggers@web.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "deploy/run is not executable" not in line]

    assert [line for line in said if "triggers" in line] == []


def test_each_severity_of_an_alert_has_somebody_who_is_told() -> None:
    found = yaml.safe_load((DEPLOY / "prometheus/alertmanager.yml").read_text())
    rules = (DEPLOY / "prometheus/rules.yml").read_text()
    told = {route["receiver"] for route in found["route"]["routes"]} | {found["route"]["receiver"]}

    assert {receiver["name"] for receiver in found["receivers"]} == told
    assert set(re.findall(r"severity: (\w+)", rules)) == {"page", "ticket"}
    named = " ".join(
        str(matcher) for rule in found["inhibit_rules"] for matchers in rule.values() for matcher in matchers
    )
    assert set(re.findall(r"Triggers\w+", named)) <= set(re.findall(r"alert: (\w+)", rules))

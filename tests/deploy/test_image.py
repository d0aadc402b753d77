"""The image, without a Docker engine: the Dockerfile's steps in a folder, and what it starts there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection

from tests.deploy.dockerfile import CannotBuild, Image, build
from tests.servers import running
from triggers_project.local.apps import app_programs
from triggers_project.local.embedded import free_port
from triggers_project.local.probe import answers_ok
from triggers_project.local.program import Program
from triggers_project.local.stack import ROOT

pytestmark = pytest.mark.xdist_group("image")  # so that it is built once


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    # Not pytest's own folder, into which no other user gets.
    with TemporaryDirectory(prefix="triggers-image-") as folder:
        Path(folder).chmod(0o755)
        (root := Path(folder, "root")).mkdir()
        try:
            yield build(root)
        except CannotBuild as why:
            if "found in the cache" not in str(why):
                raise
            pytest.skip("uv's cache lacks what the image installs: `make clean lint` fills it.")


def test_hadolint_finds_nothing() -> None:
    checker = Path(sys.executable).parent / "hadolint"

    done = subprocess.run([str(checker), "Dockerfile"], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_its_user_is_a_number_that_is_not_roots(image: Image) -> None:
    assert int(image.user) == 10001


def test_its_web_is_started_as_on_the_desk(image: Image) -> None:
    web = app_programs(data_dir=Path("/data"), environ={}, port=8000)[0]

    desk = list(web.argv[web.argv.index("granian") :])
    desk[desk.index("127.0.0.1")] = "0.0.0.0"
    assert image.command == desk


def test_it_holds_the_program_and_nothing_else(image: Image) -> None:
    assert {path.name for path in image.root.iterdir()} == {"app", "venv"}
    assert {path.name for path in image.at("/app").iterdir() if path.name != "__pycache__"} == {
        "deliveries",
        "events",
        "manage.py",
        "organizations",
        "templates",
        "triggers_project",
    }
    assert not list(image.at("/venv").glob("lib/*/site-packages/pip"))


@pytest.mark.usefixtures("committed")
def test_what_it_starts_serves_all_that_is_served(image: Image) -> None:
    before = files(image)

    with web(image) as port:
        found = {path: status(port, path) for path in PAGES}

    assert found == dict.fromkeys(PAGES, 200)
    assert files(image) == before  # where it runs its root is read-only


PAGES = (
    "/health/live",
    "/admin/login/",
    "/static/triggers/admin.css",
    "/static/admin/css/base.css",
    "/api/docs",
    "/api/schema",
    "/problems",
)


def files(image: Image) -> dict[Path, int]:
    """All of them, and when each was written."""
    return {path: path.lstat().st_mtime_ns for path in image.root.rglob("*")}


def status(port: int, path: str) -> int:
    """As the proxy would ask."""
    with_tls = {"Host": "hooks.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as caller:
        caller.request("GET", path, headers=with_tls)
        return caller.getresponse().status


@contextmanager
def web(image: Image) -> Iterator[int]:
    """CMD as it stands, on another port, with one worker, and with nothing of this machine's in its environment."""
    port, log = free_port(), image.root.with_name("web.log")
    command = " ".join(image.command).replace("--port 8000 --workers 2", f"--port {port} --workers 1").split()
    variables = [f"{name}={value}" for name, value in environment(image).items()]
    there = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(image.at("."))]
    program = Program(
        name="web",
        argv=(*there, "env", "-i", *variables, str(image.at(f"/venv/bin/{command[0]}")), *command[1:]),
    )
    with running(program, lambda: answers_ok(f"http://127.0.0.1:{port}/health/live"), log=log):
        yield port


def environment(image: Image) -> dict[str, str]:
    """The image's own, and what a production needs."""
    ours = {name: image.here(value).replace("$PATH", os.defpath) for name, value in image.environment.items()}
    return {
        **ours,
        "PYTHONDONTWRITEBYTECODE": "1",  # pip compiles what it installs; uv does not
        "DATABASE_URL": settings.DATABASE_URL.rpartition("/")[0] + f"/{connection.settings_dict['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": "only for this test, but long enough that Django itself is content with it",
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "hooks.example.com,127.0.0.1",
        "BEHIND_TLS_PROXY": "true",
        "HSTS_SECONDS": "31536000",
    }

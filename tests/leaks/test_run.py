"""A whole run of pytest that ends in red because of a secret in what it made the product say."""

import os
import re
import subprocess
import sys
from pathlib import Path

from triggers_project.local.stack import ROOT

SECRET = "Zk3T9wQe1RtY7uIoP5aSdFgH2jKlXcVbN"

# Each test passes. What leaks is put where the product would put it.
# Each is a test that passes. What leaks is put where the product would put it; where it is found follows.
LEAKS = {
    "log_line": ("structlog.get_logger('a').info('x.happened', key=SECRET)", "a log line"),
    "other_library": ("logging.getLogger('a').warning('with %s', SECRET)", "a log line"),
    "answer": (
        "answered(JsonResponse({'detail': 'no ' + SECRET}, status=422))",
        "the answer to GET /admin/ 422",
    ),
    "page": ("answered(HttpResponse(f'<td>{SECRET}</td>'))", "the answer to GET /admin/ 200"),
    "header": ("answered(HttpResponse(headers={'X-Key': SECRET}))", "the answer to GET /admin/ 200"),
    "mail": ("EmailMessage('Hello', 'it is ' + SECRET, to=['a@example.com']).send()", "a mail"),
    "error": ("refused(ValueError('no ' + SECRET))", "the words of an error"),
    "metric": ("Counter('x', 'x', ['key']).labels(SECRET).inc()", "the metrics"),
}

PREAMBLE = f"""
import logging

import bcrypt
import pytest
import structlog
from django.core.mail import EmailMessage
from django.http import HttpResponse, JsonResponse
from django.test import Client
from prometheus_client import Counter

SECRET = {SECRET!r}
bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4))


class Asked:
    def __init__(self, environ):
        self.environ = environ


def answered(response):
    client = Client()
    client.handler = lambda environ: setattr(response, "wsgi_request", Asked(environ)) or response
    client.get("/admin/")


def refused(error):
    with pytest.raises(ValueError):
        raise error
"""


def run(folder: Path, tests: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """With the plugin as the suite has it, and without servers: nothing here asks any."""
    written = [f"\n\ndef test_{name}():\n    {line}\n" for name, line in tests.items()]
    (folder / "test_it.py").write_text(PREAMBLE + "".join(written))
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "pytest_django.plugin", "-p", "xdist.plugin"),
            *("-p", "tests.leaks.plugin", "-q", "-c", os.devnull),
            *("--rootdir", str(folder), str(folder), *options),
        ],
        cwd=folder,
        env={
            **os.environ,
            "DATA_DIR": str(folder),
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # to import those that are not needed takes a second
            "DJANGO_SETTINGS_MODULE": "triggers_project.settings",
        },
        capture_output=True,
        text=True,
    )


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Of a run whose tests all passed and that is red all the same: what it says leaked."""
    assert (done.returncode, " passed" in done.stdout, " failed" in done.stdout) == (1, True, False), done
    assert SECRET not in done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("API key in ")]


def test_a_leak_in_any_channel_turns_a_run_red_and_is_said_without_the_secret(tmp_path: Path) -> None:
    done = run(tmp_path, {name: line for name, (line, _) in LEAKS.items()})
    expected = {
        f"API key in {channel} during test_it.py::test_{name}"
        for name, (_, channel) in LEAKS.items()
        if name != "metric"
    }
    assert set(said(done)) == {*expected, "API key in the metrics of the tests' process"}


def test_a_leak_in_a_process_of_xdist_turns_the_whole_run_red(tmp_path: Path) -> None:
    done = run(tmp_path, {"log_line": LEAKS["log_line"][0], "none": "pass"}, "-n", "1")
    assert said(done) == ["API key in a log line during test_it.py::test_log_line"]


def test_without_a_leak_it_is_green(tmp_path: Path) -> None:
    done = run(tmp_path, {"none": "structlog.get_logger('a').info('x.happened', key='another')"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^leaks: \d+ secrets looked for in log line ×1, metrics ×1", done.stdout, re.MULTILINE)

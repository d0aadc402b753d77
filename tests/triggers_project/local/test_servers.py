"""The plugin that gives the tests their servers."""

import subprocess
import sys
from pathlib import Path

from tests.triggers_project.local.test_stack import of, until
from triggers_project.local.stack import ROOT


def test_servers_of_a_killed_run_end(data_dir: Path) -> None:
    source = f"""
import functools, os, pathlib, signal
from tests.servers import running
from triggers_project.local import postgres, valkey
data_dir = pathlib.Path({str(data_dir)!r})
for server in (postgres, valkey):
    running(server.prepare(data_dir, fast=True), functools.partial(server.is_ready, data_dir)).__enter__()
print("up", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "up\n"
    until(lambda: of(data_dir) == [])

"""A child ends with its parent."""

import subprocess
import sys

ORPHAN = """
import multiprocessing, os, signal, time
from triggers_project.local.lifeline import end_with_parent

parent = os.getpid()

def child():
    print("begins", flush=True)
    {first}
    while os.getppid() == parent:
        time.sleep(0.01)
    {then}
    print("lives on")

multiprocessing.get_context("fork").Process(target=child).start()
time.sleep(0.1)
os.kill(parent, signal.SIGKILL)
"""


def test_of_a_parent_that_ends_later() -> None:
    assert said_by(first="end_with_parent()", then="time.sleep(5)") == b"begins\n"


def test_of_a_parent_that_was_gone_before() -> None:
    assert said_by(first="pass", then="end_with_parent()") == b"begins\n"


def said_by(**steps: str) -> bytes:
    """By parent and child, until both have ended."""
    return subprocess.run(
        [sys.executable, "-c", ORPHAN.format(**steps)], stdout=subprocess.PIPE, check=False, timeout=30
    ).stdout

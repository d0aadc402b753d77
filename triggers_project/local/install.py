"""Makes `.venv` and installs pinned requirements: `python3 -I install.py embedded` (or `dev`).

It runs before anything is installed, perhaps by a Python that is too old and has to be told so: only the standard
library, and no syntax that is newer than Python 3.7. What is installed already, by the requirements' contents, is
not installed again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
# Each holds what the ones after it hold.
SETS = ("dev", "embedded", "base")
# pip's settings for where packages come from, and what uv calls them.
PASSED_ON = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}


def main(wanted: str) -> int:
    """The exit code."""
    trouble = unfit()
    if trouble:
        print(trouble, file=sys.stderr)
        return 2
    if is_installed(wanted):
        return 0
    if not runs(VENV_PYTHON):
        say("making .venv")
        if subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)]).returncode != 0:
            print(f"{VENV} can't be made; venv's own words are above.", file=sys.stderr)
            return 2
    say(f"installing requirements/{wanted}.txt")
    began = time.monotonic()
    if not (install_by_uv(wanted) or install_by_pip(wanted)):
        print("installing failed; pip's own words are above.", file=sys.stderr)
        return 2
    for name in SETS[SETS.index(wanted) :]:
        stamp(name).write_text(fingerprint(name))
    say(f"installed in {time.monotonic() - began:.0f} s")
    return 0


def unfit() -> str | None:
    """What this Python lacks, in one line, or None."""
    if sys.version_info < (3, 11):
        found = "{}.{}".format(*sys.version_info[:2])
        return f"Python 3.11 or newer is needed, this is {found}: set PYTHON=python3.11 or the like."
    if not runs(VENV_PYTHON) and any(
        importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")
    ):
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        return f"Python's venv is missing: install it (Debian, Ubuntu: apt install {package})."
    return None


def runs(python: Path) -> bool:
    """Whether that interpreter works, and is of our version: a clone may be moved, and a Python upgraded."""
    ours = "{}.{}".format(*sys.version_info[:2])
    code = "import sys, pip; print('{}.{}'.format(*sys.version_info[:2]))"
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False
    return done.stdout.decode().strip() == ours


def is_installed(name: str) -> bool:
    try:
        return stamp(name).read_text() == fingerprint(name) and runs(VENV_PYTHON)
    except OSError:
        return False


def stamp(name: str) -> Path:
    return VENV / f"installed-{name}"


def fingerprint(name: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()


def install_by_uv(name: str) -> bool:
    """Whether it worked. Its silence is on purpose: if it fails, pip has the last word."""
    if not pip("install", "--quiet", *hashed("installer"), quiet=True):
        return False
    command = [str(VENV_PYTHON), "-m", "uv", "pip", "install", "--quiet", "--python", str(VENV_PYTHON)]
    try:
        done = subprocess.run(
            [*command, *hashed(name)],
            env=uv_environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def install_by_pip(name: str) -> bool:
    # Modules are compiled when they are first imported; most never are.
    return pip("install", "--quiet", "--no-compile", *hashed(name))


def hashed(name: str) -> list[str]:
    return ["--require-hashes", "--requirement", str(REQUIREMENTS / f"{name}.txt")]


def pip(*arguments: str, quiet: bool = False) -> bool:
    """Whether it worked."""
    output = subprocess.DEVNULL if quiet else None
    command = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode == 0


def uv_environ() -> dict[str, str]:
    """Our environment, with the places that this machine's pip is told to use. uv doesn't read pip's settings."""
    environ = dict(os.environ, UV_HTTP_TIMEOUT="20", UV_PYTHON_DOWNLOADS="never")
    done = subprocess.run([str(VENV_PYTHON), "-m", "pip", "config", "list"], stdout=subprocess.PIPE)
    for name, value in re.findall(r"^[\w:.]*\.([\w-]+)='(.*)'$", done.stdout.decode(), re.MULTILINE):
        if name in PASSED_ON:
            environ.setdefault(PASSED_ON[name], value)
    return environ


def say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

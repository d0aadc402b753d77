"""`make audit`: has any pinned package a known vulnerability? Exit code 1 if so.

pip-audit asks a public database. When that can't be reached, this says so and passes: whoever works without a network
must not be stopped. One package is asked about first, so that this is known within seconds.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
PROBE = "django"
PATIENCE = 5  # seconds, for the first answer
LONGEST = 60  # seconds, for all of them
AT_ONCE = 4  # most of the time is waiting

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)

Report = list[dict[str, Any]]
Ask = Callable[[list[str], float], Report | None]


def main() -> int:
    code, words = audit(pins_of(sorted(REQUIREMENTS.glob("*.txt"))), ask_pip_audit)
    print(f"audit: {words}")
    return code


def pins_of(files: Iterable[Path]) -> list[str]:
    """`name==version`, each once."""
    return sorted(
        {f"{name}=={version}" for file in files for name, version in _PIN.findall(file.read_text())}
    )


def audit(pins: list[str], ask: Ask) -> tuple[int, str]:
    """The exit code, and what to say."""
    probe = [pin for pin in pins if pin.startswith(f"{PROBE}==")]
    if not known(ask(probe, PATIENCE)):
        return 0, "the database of vulnerabilities can't be reached; nothing was audited"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reports = list(pool.map(lambda part: ask(part, LONGEST), parts(pins)))
    answered = [package for report in reports for package in known(report)]
    vulnerable = [words_of(package) for package in answered if package["vulns"]]
    if vulnerable:
        return 1, "known vulnerabilities:\n" + "\n".join(vulnerable)
    missing = len(pins) - len(answered)
    unknown = f"; {missing} could not be looked up" if missing else ""
    return 0, f"{len(answered)} packages have no known vulnerability{unknown}"


def parts(pins: list[str]) -> list[list[str]]:
    return [part for start in range(AT_ONCE) if (part := pins[start::AT_ONCE])]


def known(report: Report | None) -> Report:
    """The packages that the database knows; a mirror without one says of each that it is not there."""
    return [package for package in report or () if "vulns" in package]


def words_of(package: dict[str, Any]) -> str:
    faults = ", ".join(
        f"{fault['id']} (fixed in {', '.join(fault['fix_versions']) or 'no version yet'})"
        for fault in package["vulns"]
    )
    return f"  {package['name']} {package['version']}: {faults}"


def ask_pip_audit(pins: list[str], seconds: float) -> Report | None:
    """What it says of each; None when it says nothing in time."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins))
        file.flush()
        argv = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--requirement", file.name]
        try:
            done = subprocess.run(
                [*argv, "--format", "json", "--progress-spinner", "off", "--timeout", "3"],
                capture_output=True,
                text=True,
                timeout=seconds,
            )
            found: Report = json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError):
            return None
        return found


if __name__ == "__main__":
    sys.exit(main())

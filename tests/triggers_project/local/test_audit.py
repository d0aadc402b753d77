"""`make audit`, with a database of our own"""

from pathlib import Path
from typing import Any

import pytest

from triggers_project.local import audit
from triggers_project.local.audit import REQUIREMENTS, Report, ask_pip_audit, pins_of

PINS = ["a==1.0", "b==2.0", "c==3.0", "d==4.0", "django==5.2.8", "e==6.0"]


class Database:
    """Knows of each package its faults; `missing` ones it has never heard of."""

    def __init__(self, faults: dict[str, list[Any]] | None = None, *, missing: str = "") -> None:
        self.faults = faults or {}
        self.missing = missing
        self.asked: list[list[str]] = []

    def __call__(self, pins: list[str], seconds: float) -> Report:
        self.asked.append(pins)
        found: Report = []
        for name, version in (pin.split("==") for pin in pins):
            if name in self.missing:
                found.append({"name": name, "skip_reason": "It is not there."})
            else:
                found.append({"name": name, "version": version, "vulns": self.faults.get(name, [])})
        return found


def test_without_a_known_vulnerability_it_passes() -> None:
    assert audit.audit(PINS, Database()) == (0, "6 packages have no known vulnerability")


def test_a_vulnerability_fails_and_is_named_with_its_remedy() -> None:
    faults = {"b": [{"id": "PYSEC-1", "fix_versions": ["2.1", "1.9"]}, {"id": "PYSEC-2", "fix_versions": []}]}
    words = "known vulnerabilities:\n  b 2.0: PYSEC-1 (fixed in 2.1, 1.9), PYSEC-2 (fixed in no version yet)"
    assert audit.audit(PINS, Database(faults)) == (1, words)


def test_every_package_is_asked_about_once_after_the_first() -> None:
    database = Database()
    audit.audit(PINS, database)
    assert database.asked[0] == ["django==5.2.8"]
    assert sorted(pin for part in database.asked[1:] for pin in part) == PINS


def test_what_the_database_does_not_know_is_counted() -> None:
    assert audit.audit(PINS, Database(missing="ce")) == (
        0,
        "4 packages have no known vulnerability; 2 could not be looked up",
    )


UNREACHABLE = (0, "the database of vulnerabilities can't be reached; nothing was audited")


def test_who_can_not_reach_it_is_told_and_passes() -> None:
    assert audit.audit(PINS, lambda pins, seconds: None) == UNREACHABLE


def test_a_mirror_that_knows_of_no_package_is_no_database() -> None:
    database = Database(missing="abcdjangoe")
    assert (audit.audit(PINS, database), len(database.asked)) == (UNREACHABLE, 1)


def test_the_pins_of_all_sets_are_read() -> None:
    pins = pins_of(REQUIREMENTS.glob("*.txt"))
    assert any(pin.startswith("django==5.2.") for pin in pins)
    assert any(pin.startswith("pip-audit==") for pin in pins)
    assert len(pins) == len(set(pins)) > 100


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('print(\'{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}\')', 1),
        ("import sys; sys.exit('ERROR: Could not connect')", None),
        ("import time; time.sleep(60)", None),
    ],
    ids="answers refuses hangs".split(),
)
def test_what_pip_audit_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, expected: int | None
) -> None:
    (tmp_path / "pip_audit.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    report = ask_pip_audit(["a==1"], 1.0)
    assert (report and len(report)) == expected

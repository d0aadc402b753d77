"""docs/security.md and docs/behaviours.md name the tests that hold what they say; exceptions from lint name reasons."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from triggers_project.local.stack import ROOT

TESTS = ROOT / "tests"
PAGES = ["security.md", "behaviours.md"]

_NAME = re.compile(r"`([\w/]+\.py)::(\w+)`")
_TABLE = re.compile(r"^\| (?:what holds|requirement) \|.*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)
_IN_LINE = re.compile(r"# noqa: ?S\d+(.*)")


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


@cache
def names_in(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, functions)}


def named(page: str) -> list[tuple[str, str]]:
    return _NAME.findall(text(page))


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    assert len(named(page)) > 40
    assert [f"{file}::{name}" for file, name in named(page) if name not in names_in(TESTS / file)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_line_of_a_table_of_promises_names_a_test(page: str) -> None:
    rows = [row for table in _TABLE.findall(text(page)) for row in table.splitlines()]
    assert len(rows) > 25
    assert [row for row in rows if not _NAME.search(row)] == []


def test_a_name_that_is_split_or_misspelt_is_not_overlooked() -> None:
    """Whatever looks like the name of a test is one that is checked."""
    for page in PAGES:
        assert text(page).count("::test_") - text(page).count("::test_…") == len(named(page)), page


def test_every_exception_from_a_security_rule_has_its_reason() -> None:
    """In pyproject.toml beside it; in a line of code in brackets behind it."""
    ignores = re.findall(r'^.*"S\d+".*$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(ignores) >= 5
    assert [line for line in ignores if "# " not in line] == []
    folders = ("benchmarks", "deliveries", "events", "organizations", "tests", "triggers_project")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    reasons = [(file, found) for file in files for found in _IN_LINE.findall(file.read_text())]
    assert len(reasons) >= 5
    assert [str(file) for file, reason in reasons if not re.search(r"\(.{8,}\)", reason)] == []

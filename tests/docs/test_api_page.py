"""docs/api.md names every call of the schema, and none that is not there."""

import re

import yaml

from triggers_project.local.stack import ROOT

_CALL = re.compile(r"^\| `([A-Z]+) (/\S+)` \|", re.MULTILINE)


def test_the_page_names_every_call_once() -> None:
    schema = yaml.load((ROOT / "docs" / "openapi.yaml").read_text(), yaml.CSafeLoader)  # ten times as fast
    calls = [(method.upper(), path) for path, methods in schema["paths"].items() for method in methods]
    assert len(calls) > 30
    assert sorted(_CALL.findall((ROOT / "docs" / "api.md").read_text())) == sorted(calls)

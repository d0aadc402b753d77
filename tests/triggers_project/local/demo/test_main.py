"""The exit code of `make demo`, and what it says of why."""

import sys

import pytest

from triggers_project.local.demo import __main__ as demo
from triggers_project.local.demo.screen import NotAsTold
from triggers_project.local.stack import StackError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (NotAsTold("it arrives: no."), 1),
        (StackError("web does not start"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_code_says_how_it_went(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None, code: int
) -> None:
    def run(*_: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(demo, "run", run)
    monkeypatch.setattr(sys, "argv", ["demo"])

    assert demo.main() == code

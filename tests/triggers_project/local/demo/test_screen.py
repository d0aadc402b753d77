"""How the tour speaks."""

import io

import pytest

from triggers_project.local.demo.screen import NotAsTold, Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_holds_is_said_and_what_does_not_is_not_as_told() -> None:
    output = io.StringIO()
    screen = Screen(output)

    screen.expect(True, "it arrived", otherwise="it did not")
    with pytest.raises(NotAsTold, match="it arrived: no, it did not"):
        screen.expect(False, "it arrived", otherwise="it did not")

    assert output.getvalue() == "   ✓ it arrived\n"


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    Screen(coloured).done("there")
    monkeypatch.setenv("NO_COLOR", "1")
    Screen(plain).done("there")

    assert "\033[" in coloured.getvalue()
    assert plain.getvalue() == "   ✓ there\n"


def test_an_attempt_is_one_line() -> None:
    output = io.StringIO()
    attempt = {
        "number": 2,
        "started_at": "2026-08-01T10:00:00Z",
        "duration_ms": 12,
        "status_code": None,
        "outcome": "timeout",
        "next_attempt_at": "2026-08-01T10:00:01.25Z",
    }

    Screen(output).attempt(attempt)

    assert output.getvalue() == "   attempt 2: timeout in 12 ms, again after 1.2 s\n"

"""Commands that teach."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from organizations.teaching import TeachingCommand, moment

OURS = ("doctor", "status", "replay", "export_events", "erase_organization", "retention", "tail", "listen")


@pytest.mark.parametrize("name", OURS)
def test_help_has_examples_of_the_command_itself_and_all_exit_codes(name: str) -> None:
    command: Any = load_command_class(get_commands()[name], name)
    words = command.create_parser("manage.py", name).format_help()
    assert all(
        example.startswith(name) and f"  manage.py {example}\n" in words for example in command.examples
    )
    assert len(command.examples) >= 2
    for code, meaning in command.exit_codes.items():
        assert f"  {code:<4} {meaning}\n" in words
    assert "  130  interrupted by Ctrl-C" in words


class Endless(TeachingCommand):
    def work(self, **options: Any) -> int:
        raise KeyboardInterrupt

    def how_to_go_on(self) -> str:
        return "Run it again."


def test_ctrl_c_ends_with_130_and_words() -> None:
    said = StringIO()
    with pytest.raises(SystemExit, match="130"):
        Endless(stderr=said).handle()
    assert said.getvalue() == "\nInterrupted. Run it again.\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T09:30", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
        ("2026-11-23T09:30:00+02:00", datetime(2026, 11, 23, 7, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_utc_unless_they_say_otherwise(text: str, expected: datetime) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "2026-11-23T25:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        moment(text)

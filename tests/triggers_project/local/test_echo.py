"""What programs print is shown, line by line, under their names."""

import io
from pathlib import Path

from triggers_project.local.echo import Echo


def shown(logs: Path, *names: str, by: object) -> list[str]:
    """What is shown of what the function does to the logs."""
    output = io.StringIO()
    echo = Echo(logs, names, output)
    by(echo)  # type: ignore[operator]
    echo.close()
    return output.getvalue().splitlines()


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_each_line_is_under_its_programs_name(tmp_path: Path) -> None:
    def write(_: Echo) -> None:
        add(tmp_path / "web.log", "one\ntwo\n")
        add(tmp_path / "worker.log", "three\n")

    assert shown(tmp_path, "web", "worker", by=write) == ["web    | one", "web    | two", "worker | three"]


def test_what_was_there_before_is_not_shown(tmp_path: Path) -> None:
    add(tmp_path / "web.log", "yesterday\n")
    assert shown(tmp_path, "web", by=lambda _: add(tmp_path / "web.log", "today\n")) == ["web | today"]


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    output = io.StringIO()
    echo = Echo(tmp_path, ["web"], output)
    add(tmp_path / "web.log", "half")
    echo._show()
    add(tmp_path / "web.log", " and half\n")
    echo.close()
    assert output.getvalue() == "web | half and half\n"


def test_nothing_is_lost_when_a_log_is_rotated(tmp_path: Path) -> None:
    def rotate(_: Echo) -> None:
        add(tmp_path / "web.log", "before\n")
        (tmp_path / "web.log").rename(tmp_path / "web.log.1")
        add(tmp_path / "web.log", "after\n")

    add(tmp_path / "web.log", "")
    assert shown(tmp_path, "web", by=rotate) == ["web | before", "web | after"]


ENDED = "2026-11-23 07:46:41,165 WARN exited: web (terminated by SIGKILL; not expected)\n"


def test_a_program_that_died_is_spoken_of(tmp_path: Path) -> None:
    expected = ["web | ended (terminated by SIGKILL), is started again"]
    assert shown(tmp_path, "web", by=lambda _: add(tmp_path / "supervisord.log", ENDED)) == expected


def test_one_that_ends_because_it_was_asked_to_is_not(tmp_path: Path) -> None:
    def end(echo: Echo) -> None:
        echo.expect_the_end()
        add(tmp_path / "supervisord.log", ENDED)

    assert shown(tmp_path, "web", by=end) == []


def test_an_output_that_nobody_reads_does_no_harm(tmp_path: Path) -> None:
    output = io.StringIO()
    echo = Echo(tmp_path, ["web"], output)
    output.close()
    add(tmp_path / "web.log", "unseen\n")
    echo.close()

"""What `make up` says in the end."""

import json
import shlex
from pathlib import Path

from triggers_project.local.banner import EVENT, banner, curl

PLACES = {
    "url": "http://127.0.0.1:8000",
    "metrics_url": "http://127.0.0.1:9568/metrics",
    "data_dir": Path("/d"),
}


def test_it_says_where_to_go() -> None:
    desk = {"admin_user": "admin", "admin_password": "word", "api_key": "trg_x"}
    words = banner(**PLACES, desk=desk)  # type: ignore[arg-type]
    assert "http://127.0.0.1:8000/api/docs" in words
    assert "http://127.0.0.1:8000/admin/   user admin, password word\n" in words
    assert "http://127.0.0.1:9568/metrics" in words
    assert curl("http://127.0.0.1:8000", "trg_x") in words


def test_what_the_desk_does_not_know_is_left_out() -> None:
    words = banner(**PLACES, desk={})  # type: ignore[arg-type]
    assert "password" not in words
    assert "curl" not in words


def test_the_command_is_one_line_that_a_shell_reads() -> None:
    command = curl("http://127.0.0.1:8000", "trg_x")
    assert "\n" not in command
    words = shlex.split(command)
    assert words[:3] == ["curl", "-i", "http://127.0.0.1:8000/api/events"]
    assert words[3:7] == ["-H", "X-API-Key: trg_x", "-H", "Content-Type: application/json"]
    assert json.loads(words[8]) == EVENT

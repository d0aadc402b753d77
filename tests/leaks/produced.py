"""What the product says while the tests run: log lines, answers, pages, metrics, mails, errors. Each text once."""

import json
import os
from pathlib import Path

from tests.leaks.search import Output

PRODUCED: dict[tuple[str, str, str], Output] = {}


def keep(channel: str, text: str, *, route: str = "", where: str = "") -> None:
    key = (channel, route, text)
    if text and key not in PRODUCED:
        PRODUCED[key] = Output(channel, text, where or during(), route)


def during() -> str:
    """The test that runs; threads of its own see it as well."""
    return "during " + os.environ.get("PYTEST_CURRENT_TEST", "no test").split(" ")[0]


def keep_answer(method: str, path: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """Cookies are not kept: a session's id is meant for its browser."""
    said = "".join(f"{name}: {value}\n" for name, value in headers.items() if name.lower() != "set-cookie")
    keep("the answer to", said + body.decode(errors="replace"), route=f"{method} {path} {status}")


def keep_log_file(path: Path) -> None:
    """Line by line, so that it can be said which line it is."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        keep("the log", line, where=f"{path.name}, line {number}{event_of(line)}")


def event_of(line: str) -> str:
    try:
        return f" ({json.loads(line)['event'][:40]})"
    except (ValueError, KeyError, TypeError):
        return ""

"""`make up`: runs the whole system in the foreground until Ctrl-C."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from triggers_project.environment import BadEnvironment
from triggers_project.local.banner import banner
from triggers_project.local.embedded import ServerError, free_port
from triggers_project.local.preflight import CannotStart, check_ports, check_servers, read_settings
from triggers_project.local.signals import Terminated
from triggers_project.local.sole_use import AlreadyRunning
from triggers_project.local.stack import Stack, StackError
from triggers_project.local.supervision import SupervisionError

# For the one who starts it to mend: said in words, without a traceback.
EXPECTED = (AlreadyRunning, BadEnvironment, CannotStart, ServerError, StackError, SupervisionError)


def main() -> int:
    """The exit code: 0 when it was asked to end, 2 when it can't run."""
    try:
        run()
    except EXPECTED as error:
        print(f"make up: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Terminated):
        """Before there was anything to stop."""
    return 0


def run() -> None:
    """Returns when it was asked to end. Raises one of EXPECTED."""
    settings = read_settings()
    receiver_port = free_port()
    log_format = "console" if sys.stdout.isatty() else "json"
    with Stack(
        settings.DATA_DIR,
        port=settings.PORT,
        metrics_port=settings.METRICS_PORT,
        receiver_port=receiver_port,
        environ={"LOG_FORMAT": log_format, **os.environ},
        output=sys.stdout,
    ) as stack:
        try:
            check_ports(PORT=settings.PORT, METRICS_PORT=settings.METRICS_PORT)
            check_servers(os.environ)
            desk = start(stack, receiver_port)
            say(banner(url=stack.url, metrics_url=stack.metrics_url, data_dir=stack.data_dir, desk=desk))
            stack.watch()
        except (KeyboardInterrupt, Terminated):
            say("\nstopping …")
    say("stopped; the data is kept.")


def start(stack: Stack, receiver_port: int) -> dict[str, Any]:
    """Starts everything, saying so; returns what `seed_desk` says."""
    with step("servers"):
        stack.start_servers()
    with step("tables"):
        stack.migrate()
    with step("admin user and demo tenant"):
        desk = json.loads(stack.manage("seed_desk", "--receiver-url", f"http://127.0.0.1:{receiver_port}/"))
    with step("web, worker, beat, exporter, receiver"):
        stack.start_apps()
        stack.wait_until_ready()
    return dict(desk)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Says how long it took."""
    began = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - began:.1f} s")


def say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())

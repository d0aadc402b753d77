"""`python -m triggers_project.local.demo [--events FILE]`: what `make demo` runs."""

import argparse
import sys
import time
from pathlib import Path

from triggers_project.environment import BadEnvironment
from triggers_project.local.demo.own_events import BadFile, Line, read_lines, send
from triggers_project.local.demo.screen import NotAsTold, Screen
from triggers_project.local.demo.system import Place, place
from triggers_project.local.demo.tour import walk
from triggers_project.local.embedded import ServerError
from triggers_project.local.signals import Terminated, ending_raises
from triggers_project.local.stack import StackError
from triggers_project.local.supervision import SupervisionError

EXPECTED = (BadEnvironment, BadFile, ServerError, StackError, SupervisionError)


def main() -> int:
    """The exit code: 0 all was as told, 1 something was not, 2 it can't run, 130 it was asked to end."""
    parser = argparse.ArgumentParser(prog="make demo", description="A guided tour.")
    parser.add_argument(
        "--events", type=Path, metavar="FILE", help='a {"type": …, "payload": …} on each line'
    )
    events: Path | None = parser.parse_args().events
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # where there is no ✓, a ? will do
    screen = Screen(sys.stdout)
    try:
        with ending_raises():
            run(screen, read_lines(events) if events else [])
    except NotAsTold:
        screen.title("Not all was as told; see the ✗ above.")
        return 1
    except EXPECTED as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Terminated):
        screen.say("ended; nothing is left of it.")
        return 130
    return 0


def run(screen: Screen, lines: list[Line]) -> None:
    """The tour, or with lines, those. Raises NotAsTold, or one of EXPECTED."""
    began = time.monotonic()
    screen.say("Triggers takes events in and delivers them as signed webhooks. Here you see it at work, on a")
    screen.say("system that is thrown away afterwards. It takes about half a minute; Ctrl-C ends it.")
    with place(screen) as here:
        if lines:
            send(here, lines)
        else:
            walk(here)
    say_goodbye(here, time.monotonic() - began)


def say_goodbye(here: Place, took: float) -> None:
    webhooks, events = len(here.receiver.arrivals), len(here.receiver.delivered)
    here.screen.title(f"All was as told, in {took:.0f} s.")
    here.screen.explain(
        f"{webhooks:,} webhooks came, each signature verified, none refused: {events:,} events arrived."
    )
    here.screen.explain(
        "Next: `make up` starts a system that keeps its data, and says where its admin and its API's"
    )
    here.screen.explain(
        "documentation are, with a curl to begin with. `make demo EVENTS=file.jsonl` sends events of"
    )
    here.screen.explain('your own, one {"type": "order.created", "payload": {…}} a line.')


if __name__ == "__main__":
    sys.exit(main())

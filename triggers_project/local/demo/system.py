"""The system that the tour is given on: started in front of the guest, with a tenant to show things with."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from triggers_project.local.demo.api import Api
from triggers_project.local.demo.receiver import Receiver
from triggers_project.local.demo.screen import NotAsTold, Screen
from triggers_project.local.embedded import free_port
from triggers_project.local.signals import Terminated
from triggers_project.local.stack import Stack
from triggers_project.local.throw_away import throw_away_data

# The five attempts of the default, without its hours in between.
RETRY_SCHEDULE = "1,1,1,1"


@dataclass(frozen=True)
class Place:
    """Where a tour happens."""

    screen: Screen
    stack: Stack
    receiver: Receiver

    def until(
        self, condition: Callable[[], bool], what: str, *, timeout: float = 60, pause: float = 0.02
    ) -> None:
        """Waits for it, and asks again after `pause` seconds.

        Raises NotAsTold when it does not come, or when a signature did not fit.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if self.receiver.refused:
                raise NotAsTold(f"every signature fits: no, {self.receiver.refused} did not.")
            if time.monotonic() > deadline:
                raise NotAsTold(f"{what}: no, not within {timeout:.0f} s.")
            time.sleep(pause)


@contextmanager
def place(screen: Screen) -> Iterator[Place]:
    """A whole system and a receiver, for the block; nothing of it is left afterwards."""
    with throw_away_data("triggers-demo-") as data_dir, Receiver() as receiver:
        environ = {"RETRY_SCHEDULE": RETRY_SCHEDULE, "LOG_FORMAT": "json"}
        with Stack(data_dir, port=free_port(), metrics_port=free_port(), environ=environ) as stack:
            try:
                _start(screen, stack)
                yield Place(screen, stack, receiver)
            except NotAsTold as error:
                screen.failed(str(error))
                _show_logs(screen, stack)
                raise
            except (KeyboardInterrupt, Terminated):
                screen.say("\nstopping …")
                raise
            screen.say("")
            with screen.timed("everything is stopped, and thrown away"):
                stack.stop()


def _start(screen: Screen, stack: Stack) -> None:
    screen.step("A system of its own is started", "as `make up` does")
    with screen.timed("PostgreSQL, which keeps everything, and Valkey (a Redis), which only rings"):
        stack.start_servers()
    with screen.timed("tables"):
        stack.migrate()
    with screen.timed("web takes events in, worker sends them, beat is the clock; and their helpers"):
        stack.start_apps()
        stack.wait_until_ready(timeout=120)
    screen.done("a receiver, which verifies webhooks with the official library standardwebhooks")


def _show_logs(screen: Screen, stack: Stack) -> None:
    for name in ("web", "worker"):
        screen.explain(f"The last lines of {name}:")
        for line in stack.last_lines(name, 3).splitlines():
            screen.explain(f"  {line[:300]}")


def large_tenant(here: Place, name: str, tier: str) -> Api:
    """A tenant of a higher tier, which only the operator can make, with the receiver as its endpoint."""
    made = json.loads(here.stack.manage("create_organization", name, "--tier", tier))
    api = Api(here.stack.url, made["api_key"])
    set_endpoint(here, api, name)
    return api


def set_endpoint(here: Place, api: Api, name: str) -> str:
    """Says that the tenant's webhooks go to the receiver; returns the URL."""
    url = here.receiver.url(name)
    answer = api.post("/api/webhook/config", {"webhook_url": url}, expect=200)
    here.receiver.secrets[name] = answer["secret"]
    return url

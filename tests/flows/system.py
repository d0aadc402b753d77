"""A running system of a test's own. FLOWS_SETUP names what it stands on (`tests/flows/setups`)."""

import importlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from tests import clusters
from triggers_project.local.embedded import free_port
from triggers_project.local.stack import Stack
from triggers_project.local.throw_away import throw_away_data

ENVIRON = {
    # On the desk that is so anyway; a set-up's DATABASE_URL makes it another place.
    "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
    "BCRYPT_ROUNDS": "4",
    "LOG_FORMAT": "json",
    "SIGNUPS_PER_HOUR": "10000",
    # A lease is longer than the longest send, and what a killed worker had in flight waits for its end.
    "WEBHOOK_TIMEOUT": "3",
    "RETRY_SCHEDULE": "1,1,1,1",
}


SETUP = os.environ.get("FLOWS_SETUP", "")


class FlowStack(Stack):
    """A journey that would break a server which is not this stack's own is skipped."""

    def migrate(self) -> None:
        if not (clusters.are_copied() and "postgres" in self._own_servers):
            super().migrate()

    def pids(self, name: str) -> list[int]:
        self._is_ours(name)
        return super().pids(name)

    def kill(self, name: str, by: signal.Signals = signal.SIGKILL) -> list[int]:
        self._is_ours(name)
        return super().kill(name, by)

    def start_program(self, name: str) -> None:
        self._is_ours(name)
        super().start_program(name)

    def stop_program(self, name: str) -> None:
        self._is_ours(name)
        super().stop_program(name)

    def _is_ours(self, name: str) -> None:
        if name in ("postgres", "valkey") and name not in self._own_servers:
            pytest.skip(f"{name} is not this system's own to break: it stands on the set-up {SETUP!r}")


@contextmanager
def started(*, fast: bool, setup: str = SETUP, **environ: str) -> Iterator[Stack]:
    """A system of its own, with `environ`. `fast` servers forget their last moments when they are killed."""
    with throw_away_data("triggers-flows-") as data_dir:
        module = importlib.import_module(f"tests.flows.setups.{setup}") if setup else None
        own = getattr(module, "STACK_STARTS", ())
        with module.setup(data_dir) if module else nullcontext({}) as found:
            ports = {"port": free_port(), "metrics_port": free_port()}
            whole = {**ENVIRON, **found, **environ}
            with FlowStack(data_dir, **ports, environ=whole, servers=own, fast=fast) as stack:
                stack.start_servers()
                stack.migrate()
                stack.start_apps()
                yield stack

"""A running system of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from triggers_project.local.embedded import free_port
from triggers_project.local.stack import Stack
from triggers_project.local.throw_away import throw_away_data

ENVIRON = {
    "BCRYPT_ROUNDS": "4",
    "LOG_FORMAT": "json",
    "SIGNUPS_PER_HOUR": "10000",
    # A lease is longer than the longest send, and what a killed worker had in flight waits for its end.
    "WEBHOOK_TIMEOUT": "3",
    "RETRY_SCHEDULE": "1,1,1,1",
}


@contextmanager
def started(*, fast: bool, **environ: str) -> Iterator[Stack]:
    """A system of its own, with `environ`. `fast` servers forget their last moments when they are killed."""
    with throw_away_data("triggers-flows-") as data_dir:
        ports = {"port": free_port(), "metrics_port": free_port()}
        with Stack(data_dir, **ports, environ={**ENVIRON, **environ}, fast=fast) as stack:
            stack.start_servers()
            stack.migrate()
            stack.start_apps()
            yield stack

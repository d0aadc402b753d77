"""A program: runs engines, each in a process of its own, that die at once of a payload with `"poison"` in it, until
nothing is open any more. Prints how each ended, as JSON: 0, or minus the signal that killed it.

It forks from here, where there are no threads yet, and not from the tests, where there are.
"""

import json
import os
import signal

import django

django.setup()

from django.db import connection  # noqa: E402 - models need django.setup()

from deliveries import engine  # noqa: E402
from deliveries.claim import Claimed  # noqa: E402
from deliveries.message import message_body  # noqa: E402
from deliveries.models import Delivery  # noqa: E402
from tests.deliveries.engine_room import run_engine  # noqa: E402
from tests.deliveries.leases import all_leases_end  # noqa: E402


def dies_of_poison(delivery: Claimed) -> bytes:
    if '"poison"' in delivery.payload:
        os.kill(os.getpid(), signal.SIGKILL)
    return message_body(delivery)


def worker() -> int:
    connection.close()
    child = os.fork()
    if child == 0:
        run_engine()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    engine.message_body = dies_of_poison
    ends = []
    while Delivery.objects.open().exists() and len(ends) < 20:
        ends.append(worker())
        all_leases_end()
    print(json.dumps(ends))  # noqa: T201 - what it is there for

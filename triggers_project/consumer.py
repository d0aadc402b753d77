"""The part of a Celery worker that listens to the broker."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

RECONNECT_EVERY = 1  # seconds


class PromptConsumer(Consumer):
    """Looks every second whether its broker is back. Celery's own looks ever less often, in the end every 30 s, and so
    long would deliveries wait that nobody rings for any more."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=RECONNECT_EVERY,
            interval_step=0,
            interval_max=RECONNECT_EVERY,
        )
        return super().ensure_connected(conn)

"""The part of a Celery worker that listens to the broker, mended in two places so that it never goes deaf."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from kombu.transport import redis, virtual

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


class ForgettingQoS(redis.QoS):
    """Counts a message as done even if Redis hangs when it is told so.

    kombu's own keeps its place taken for ever then; after as many as a worker may prefetch, it asks for no more, and
    nothing but a restart helps. What Redis still holds for undone comes again later, and a ring too many does no harm.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


redis.Channel.QoS = ForgettingQoS

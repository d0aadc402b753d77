"""The part of a Celery worker that listens to the broker, mended in four places so that it never goes deaf."""

from functools import partial
from time import monotonic
from typing import Any

from celery.worker.consumer import Consumer
from kombu.transport import redis, virtual
from redis import exceptions

RECONNECT_EVERY = 1  # seconds
SILENT_AFTER = 5  # seconds without an answer to a question that Redis answers within one


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


_start, _read = redis.Channel._brpop_start, redis.Channel._brpop_read


def start_waiting(channel: Any, timeout: float | None = None) -> None:
    _start(channel, timeout)
    channel.asked_at = monotonic()


def read_answer(channel: Any, **options: Any) -> Any:
    """A primary that is told to be a replica sends away who waits at it, with an error of its own. Celery would end of
    that, as of any answer it can't read; here it is a lost connection, and the next one is to the new primary."""
    try:
        return _read(channel, **options)
    except exceptions.ResponseError as error:
        if not str(error).startswith("UNBLOCKED"):
            raise
        channel.client.connection.disconnect()
        raise exceptions.ConnectionError(str(error)) from error


class ImpatientPoller(redis.MultiChannelPoller):
    """Gives up a Redis that has fallen silent.

    kombu's own waits for an answer as long as the connection lasts. When a machine is lost or hangs that is minutes,
    and a replica that took over long ago is not asked.
    """

    def _register_BRPOP(self, channel: Any) -> None:
        super()._register_BRPOP(channel)
        connection = channel.client.connection
        if not channel._in_poll or monotonic() - channel.asked_at < SILENT_AFTER or connection.can_read(0):
            return
        channel._in_poll = None  # else closing it would wait for the answer, too
        connection.disconnect()
        raise exceptions.ConnectionError(f"Redis has been silent for {SILENT_AFTER} s.")


# SentinelChannel is made of Channel, and has them, too.
redis.Channel.QoS = ForgettingQoS
redis.Channel._brpop_start, redis.Channel._brpop_read = start_waiting, read_answer
redis.MultiChannelPoller = ImpatientPoller

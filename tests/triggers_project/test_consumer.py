"""A worker that listens on, whatever its broker does."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from kombu import Connection, Queue
from kombu.transport.redis import Channel

from triggers_project.consumer import RECONNECT_EVERY, ForgettingQoS, PromptConsumer


@pytest.fixture
def channel(settings: Any) -> Iterator[Channel]:
    with Connection(settings.REDIS_URL) as connection, connection.channel() as channel:
        yield channel


def test_a_message_whose_ack_redis_did_not_take_frees_its_place(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue("consumer-test", channel=channel)
    queue.declare()
    channel.basic_qos(prefetch_count=1)
    channel.basic_publish(channel.prepare_message("ring"), exchange="", routing_key="consumer-test")
    message = queue.get()
    assert not channel.qos.can_consume()

    def hangs(*_: object) -> None:
        raise redis.TimeoutError

    monkeypatch.setattr(ForgettingQoS, "_remove_from_indices", hangs)
    with pytest.raises(redis.TimeoutError):
        message.ack()

    assert channel.qos.can_consume()


def test_a_worker_looks_for_its_broker_at_an_even_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    class Broker:
        def ensure_connection(self, *_: object, **options: Any) -> None:
            asked.update(options)

    monkeypatch.setattr(
        "celery.worker.consumer.Consumer.ensure_connected", lambda _, conn: conn.ensure_connection()
    )
    PromptConsumer.ensure_connected(object.__new__(PromptConsumer), Broker())

    assert asked == {"interval_start": RECONNECT_EVERY, "interval_step": 0, "interval_max": RECONNECT_EVERY}

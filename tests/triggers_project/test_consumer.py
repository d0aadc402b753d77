"""A worker that listens on, whatever its broker does."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from kombu import Connection, Queue
from kombu.transport.redis import Channel

from organizations import redis_client
from tests.flows.journey import until
from triggers_project.consumer import RECONNECT_EVERY, SILENT_AFTER, ForgettingQoS, PromptConsumer


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


def test_who_is_sent_away_by_a_primary_that_was_one_looks_for_the_next(channel: Channel) -> None:
    channel.basic_consume("consumer-test", no_ack=True, callback=lambda _: None, consumer_tag="test")
    channel.client.connection = waiting = channel.client.connection_pool.get_connection()
    channel._brpop_start(timeout=5)

    until(blocked, timeout=5, what="it waits")
    redis_client.client().client_unblock(blocked()[0]["id"], error=True)

    with pytest.raises(redis.ConnectionError, match=r"^UNBLOCKED "):
        channel._brpop_read()
    assert waiting._sock is None


def test_a_redis_that_has_fallen_silent_is_given_up(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.basic_consume("consumer-test", no_ack=True, callback=lambda _: None, consumer_tag="test")
    poller = channel.connection.cycle
    poller._register_BRPOP(channel)
    poller._register_BRPOP(channel)
    waiting = channel.client.connection
    assert waiting._sock is not None

    monkeypatch.setattr(channel, "asked_at", channel.asked_at - SILENT_AFTER)
    with pytest.raises(redis.ConnectionError, match=r"^Redis has been silent for 5 s\.$"):
        poller._register_BRPOP(channel)
    assert (waiting._sock, channel._in_poll) == (None, None)


def blocked() -> list[dict[str, str]]:
    return [client for client in redis_client.client().client_list() if "b" in client["flags"]]


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

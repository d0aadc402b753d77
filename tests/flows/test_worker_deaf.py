"""A worker that lives and no longer hears the bell."""

import pytest
from celery import Celery

from tests.flows.journey import Journey, until
from triggers_project.local.stack import Stack
from triggers_project.redis_settings import celery_broker

pytestmark = pytest.mark.flow


@pytest.mark.parametrize(("name", "queue"), [("worker", "deliveries"), ("housekeeper", "housekeeping")])
def test_it_ends_itself_and_its_successor_hears(
    stack: Stack, journey: Journey, name: str, queue: str
) -> None:
    before = stack.pids(name)
    told_to_listen_no_more(stack, queue)
    posted = journey.post()

    until(lambda: set(stack.pids(name)).isdisjoint(before), timeout=60, what=f"another {name}")
    journey.wait_for([posted], timeout=60)
    stack.wait_until_ready(timeout=60)


def told_to_listen_no_more(stack: Stack, queue: str) -> None:
    """By Celery's remote control: to itself and to everybody else the worker looks well."""
    broker = celery_broker(stack.environ.get("BROKER_URL") or stack.redis_url)
    with Celery(broker=broker.url, set_as_current=False) as app:
        app.conf.update(broker_use_ssl=broker.tls, broker_transport_options=broker.options)
        answers = app.control.cancel_consumer(queue, reply=True, timeout=5)
    assert any("ok" in answer for found in answers for answer in found.values())

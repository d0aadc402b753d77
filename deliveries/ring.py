"""The doorbell: says that there may be work, carries nothing, and may be lost (the sweep rings again every second)."""

from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from deliveries.metrics import rings
from deliveries.models import Endpoint
from organizations import redis_client

log = structlog.get_logger(__name__)

KEY = "triggers:ring"
MOST_WAITING = 2
HEARD_WITHIN = 5  # seconds until a ring that nobody answered counts as lost
TASK, QUEUE = "deliveries.deliver_due", "deliveries"


def ring_after_commit() -> None:
    """Rings once what is being written can be seen."""
    transaction.on_commit(ring)


def ring() -> None:
    """Rings, unless a ring is waiting already. Never raises: without Redis the sweep will ring when it is back."""
    found = redis_client.ask_broker(_take_the_rope, what="ring")
    if found is None or not found[0] or found[1] >= MOST_WAITING:
        rings.labels("already_ringing").inc()
        return
    _send()


def _take_the_rope(redis: Any) -> list[Any]:
    """Whether nobody else is ringing, and how many rings wait."""
    questions = redis.pipeline(transaction=False)
    questions.set(KEY, b"1", nx=True, ex=HEARD_WITHIN)
    questions.llen(QUEUE)
    answers: list[Any] = questions.execute()
    return answers


def ring_if_due() -> bool:
    """The sweep's ring: when something is due and no ring is on its way, whatever became of the last one."""
    if not Endpoint.objects.with_work().exists():
        return False
    if not _waiting():
        _send()
    return True


def _waiting() -> int:
    """Rings that nobody has had time for. They must not pile up: engines that are at work look for more themselves."""
    return redis_client.ask_broker(lambda redis: redis.llen(QUEUE), what="ring") or 0


def answer_ring() -> None:
    """Makes way for the next ring: called before looking for work, so that work that comes later rings again."""
    redis_client.ask_broker(lambda redis: redis.delete(KEY), what="ring")


def _send() -> None:
    try:
        current_app.send_task(TASK, queue=QUEUE, ignore_result=True, retry=False)
        rings.labels("sent").inc()
    except (OperationalError, OSError) as error:
        rings.labels("failed").inc()
        log.warning("ring.failed", error=type(error).__name__)

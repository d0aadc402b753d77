"""The engine of this process, on an event loop that outlives the Celery task. Only who delivers imports this."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

from celery.signals import worker_process_shutdown
from django.conf import settings

from deliveries import deafness
from deliveries.engine import Engine, Rules
from deliveries.message import user_agent
from organizations import traces
from organizations.lines import gather_lines

_loop: asyncio.AbstractEventLoop | None = None
_engine: Engine | None = None


def run(stopping: Callable[[], bool]) -> int:
    """Delivers what is due; returns how many it sent. Loop and engine are made at the first ring."""
    global _loop, _engine
    if _loop is None or _engine is None:
        made = new_engine(stopping)  # first: a loop that nobody runs would stay open
        _loop, _engine = asyncio.new_event_loop(), made
        gather_lines(_loop)
        # What Django loaded lives as long as the process. Left among what is collected, it cost a fifth of the CPU.
        gc.collect()
        gc.freeze()
    return _loop.run_until_complete(_at_work(_engine))


async def _at_work(engine: Engine) -> int:
    ticking = asyncio.create_task(_tick())
    try:
        return await engine.run()
    finally:
        ticking.cancel()


async def _tick() -> None:
    """Until it is cancelled."""
    while True:
        deafness.note_work()
        await asyncio.sleep(deafness.TICK)


def new_engine(stopping: Callable[[], bool]) -> Engine:
    """By the settings. It claims nothing more once `stopping` says so."""
    return Engine(
        Rules(
            schedule=settings.RETRY_SCHEDULE,
            timeout=settings.WEBHOOK_TIMEOUT,
            allowed=settings.ALLOWED_PRIVATE_NETWORKS,
            user_agent=user_agent(settings.VERSION),
            stopping=stopping,
        ),
        tracing=traces.start(),
    )


@worker_process_shutdown.connect
def close(**_: Any) -> None:
    if _loop is not None and _engine is not None:
        _loop.run_until_complete(_engine.close())
    traces.stop()

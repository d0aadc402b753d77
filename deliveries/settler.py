"""The settler of an engine: writes what came down, in bulk, while the engine goes on; and now and then how endpoints
are doing, and what attempts came to.

While the database is away the answers wait, as long as their leases hold.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from deliveries.database import connect
from deliveries.health import HealthNotes
from deliveries.metrics import note_answers
from deliveries.settle import SESSION, Answer, settle
from deliveries.traffic_notes import TrafficNotes

log = structlog.get_logger(__name__)

SETTLE_EVERY = 0.02  # seconds
HEALTH_EVERY = 1.0
OUTAGE_PAUSE = 0.5


@dataclass
class Settler:
    """`run()` until `ending` is set and everything that was noted is written."""

    answers: list[Answer] = field(default_factory=list)
    health: HealthNotes = field(default_factory=HealthNotes)
    traffic: TrafficNotes = field(default_factory=TrafficNotes)
    ending: bool = False
    connection: psycopg.AsyncConnection[Any] | None = None

    def note(self, answer: Answer) -> None:
        self.answers.append(answer)

    @property
    def idle(self) -> bool:
        return not self.answers

    @property
    def waiting(self) -> int:
        """Answers that are not written yet."""
        return len(self.answers)

    def holds(self, delivery_id: str) -> bool:
        """An answer to it is not written yet."""
        return any(answer.delivery.id == delivery_id for answer in self.answers)

    async def run(self) -> None:
        written = time.monotonic()
        while self.answers or not self.ending:
            await asyncio.sleep(SETTLE_EVERY)
            await self._settle_once()
            if self.health and (self.health.urgent or time.monotonic() - written > HEALTH_EVERY):
                await self._write_health()
                written = time.monotonic()
            if self.traffic.due(time.monotonic()):
                await self._write_traffic()
        if self.health:
            await self._write_health()
        while self.traffic and await self._write_traffic():
            pass

    async def close(self) -> None:
        if self.connection is not None:
            await self.connection.close()

    async def _settle_once(self) -> None:
        batch = self.answers[:]
        if not batch:
            return
        try:
            self.connection = await connect(self.connection, settings=SESSION)
            moved = await settle(self.connection, batch)
        except psycopg.OperationalError as error:
            log.warning("engine.database_trouble", error=type(error).__name__)
            now = time.monotonic()
            self.answers = [answer for answer in self.answers if now < answer.lease_ends]
            await asyncio.sleep(OUTAGE_PAUSE)
            return
        del self.answers[: len(batch)]
        note_answers(batch, moved)
        for answer in batch:
            status = moved.get(answer.delivery.id)
            self.traffic.note(answer, status)
            if answer.outcome.tells_of_the_receiver:
                self.health.note(answer.delivery, answer.outcome, ended_at(answer))

    async def _write_health(self) -> None:
        try:
            self.connection = await connect(self.connection, settings=SESSION)
            await self.health.write(self.connection)
        except psycopg.OperationalError as error:
            log.warning("engine.database_trouble", error=type(error).__name__)

    async def _write_traffic(self) -> bool:
        """A part of it; False when the database would not. What is not written when the engine ends waits for its
        next run."""
        try:
            self.connection = await connect(self.connection, settings=SESSION)
            await self.traffic.write_part(self.connection)
        except psycopg.OperationalError as error:
            log.warning("engine.database_trouble", error=type(error).__name__)
            return False
        return True


def ended_at(answer: Answer) -> datetime:
    return answer.started_at + timedelta(milliseconds=answer.duration_ms)

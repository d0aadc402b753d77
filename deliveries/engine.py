"""The engine: claims what is due, sends it concurrently, settles it in bulk, until nothing is due or in flight.

One engine a process, on an event loop of its own that outlives the Celery task: connections to receivers and to
PostgreSQL stay open between two rings. Nothing it holds in memory can be lost: a claim that is not settled is due again
when its lease ends. An engine has no time limit: while anything is in flight it goes on looking for new work, so that a
receiver that takes 30 seconds delays nobody else (docs/decisions/0005).
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from deliveries.backoff import Verdict, verdict
from deliveries.claim import Claimed, claim_due, last_served, next_opening
from deliveries.credentials import Credentials, Unreadable
from deliveries.database import connect
from deliveries.health import HealthNotes
from deliveries.message import message_body, message_headers
from deliveries.metrics import note_answer, sends_in_flight
from deliveries.networks import Network
from deliveries.outcome import BROKEN, Outcome
from deliveries.sender import Sender
from deliveries.settle import Answer, settle
from deliveries.windows import FIRST, Windows

log = structlog.get_logger(__name__)

MOST_IN_FLIGHT = 512
MOST_AT_ONCE = 128  # of one claim
MOST_OF_ONE_TENANT = 256  # beyond it nothing more of that tenant is claimed, until some have landed
WORTH_CLAIMING = 64  # free places, before a full engine asks for more
SETTLE_EVERY = 0.02  # seconds
HEALTH_EVERY = 1.0
LEASE_MARGIN = (
    15.0  # seconds of a lease beyond the longest send: for settling, and for a database that restarts
)
SHORTEST_LOOK, LONGEST_LOOK = 0.01, 0.25  # seconds between two claims that find nothing
OUTAGE_PAUSE = 0.5
SOON = 2.0  # seconds; an engine waits so long for a gate to open, and the sweep's ring after that


@dataclass(frozen=True)
class Rules:
    """What the engine is told: seconds, networks, and whether it should end."""

    schedule: list[int]
    timeout: float
    allowed: list[Network]
    user_agent: str
    stopping: Callable[[], bool] = lambda: False
    chance: Callable[[], float] = random.random

    @property
    def lease(self) -> float:
        return self.timeout + LEASE_MARGIN


@dataclass
class Engine:
    """`run()` delivers what is due and returns how many attempts it made. Not to be run twice at once."""

    rules: Rules
    windows: Windows = field(default_factory=Windows)
    credentials: Credentials = field(default_factory=Credentials)
    health: HealthNotes = field(default_factory=HealthNotes)
    flights: set[asyncio.Task[None]] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    by_organization: Counter[str] = field(default_factory=Counter)
    landings: int = 0
    goal: int = 0
    ending: bool = False
    no_gate_until: float = 0.0  # time.monotonic
    last_served: str = "00000000-0000-0000-0000-000000000000"
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    sender: Sender | None = None
    claiming: psycopg.AsyncConnection[Any] | None = None
    settling: psycopg.AsyncConnection[Any] | None = None

    async def run(self) -> int:
        self.ending = False
        sender = self.sender = self.sender or Sender(allowed=self.rules.allowed, timeout=self.rules.timeout)
        settler = asyncio.create_task(self._settle_on())
        try:
            return await self._claim_on(sender, settler)
        finally:
            while self.flights:
                await asyncio.wait(self.flights)
            self.ending = True
            await settler

    async def close(self) -> None:
        for connection in (self.claiming, self.settling):
            if connection is not None:
                await connection.close()
        if self.sender is not None:
            await self.sender.close()

    # --- Claiming and sending -------------------------------------------------------------------------------------

    async def _claim_on(self, sender: Sender, settler: asyncio.Task[None]) -> int:
        """A settler that is done before its time has crashed: then nothing more is sent, and `run` raises its error."""
        sent = 0
        while not self.rules.stopping() and not settler.done():
            began = time.perf_counter()
            claimed = await self._claim(min(MOST_AT_ONCE, MOST_IN_FLIGHT - len(self.flights)))
            took = time.perf_counter() - began
            for delivery in claimed:
                self._take_off(delivery, sender)
            sent += len(claimed)
            opening = None if claimed else await self._next_opening()
            if not claimed and not self.flights and not self.answers and opening is None:
                break
            pause = look_again_after(took) if opening is None else min(opening, LONGEST_LOOK)
            await self._until_worth_claiming(claimed=len(claimed), pause=pause)
        return sent

    async def _claim(self, wanted: int) -> list[Claimed]:
        """Due deliveries with their signing keys at hand. While the database is away: none, after a pause."""
        try:
            self.claiming = await connect(self.claiming)
            claimed = await claim_due(
                self.claiming,
                most=wanted,
                room=FIRST,
                rooms=self.windows.rooms(),
                lease=self.rules.lease,
                start=self.last_served,
                crowded=self._crowded(),
            )
            self.last_served = last_served(claimed, start=self.last_served)
            await self.credentials.load(self.claiming, claimed)
            return claimed
        except psycopg.OperationalError as error:
            if not self.flights and not self.answers:
                raise
            log.warning("engine.database_trouble", error=type(error).__name__)
            await asyncio.sleep(OUTAGE_PAUSE)
            return []

    async def _next_opening(self) -> float | None:
        """In how many seconds an endpoint's gate opens at which something waits; None when that is not soon.

        A busy engine whose claims find nothing need not ask each time.
        """
        now = time.monotonic()
        if self.claiming is None or self.claiming.closed or (self.flights and now < self.no_gate_until):
            return None
        try:
            opening = await next_opening(self.claiming)
        except psycopg.OperationalError:
            return None  # the next claim says so
        if opening is None or opening >= SOON:
            self.no_gate_until = now + LONGEST_LOOK
            return None
        return max(opening, SHORTEST_LOOK)

    async def _until_worth_claiming(self, *, claimed: int, pause: float) -> None:
        """After a claim that found something: until a good part of it has landed. Else: for the pause."""
        self.goal = self.landings + (min(claimed, WORTH_CLAIMING) or MOST_IN_FLIGHT)
        self.landed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.landed.wait(), timeout=pause)

    def _crowded(self) -> list[str]:
        """Organizations that have their share of the places: the rest of theirs waits until some are free."""
        return [
            organization
            for organization, flying in self.by_organization.items()
            if flying >= MOST_OF_ONE_TENANT
        ]

    def _take_off(self, delivery: Claimed, sender: Sender) -> None:
        self.windows.started(delivery.endpoint_id)
        self.by_organization[delivery.organization_id] += 1
        flight = asyncio.create_task(self._fly(delivery, sender))
        self.flights.add(flight)
        flight.add_done_callback(self._landed)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self.flights.discard(flight)
        self.landings += 1
        if self.landings >= self.goal or not self.flights:
            self.landed.set()
        if not flight.cancelled() and (error := flight.exception()) is not None:
            log.error("delivery.crashed", exc_info=error)

    async def _fly(self, delivery: Claimed, sender: Sender) -> None:
        """One attempt. Whatever is wrong with it, the place is free again and the answer noted."""
        began, started_at = time.perf_counter(), delivery.claimed_at
        outcome = Outcome(BROKEN, error="It could not be sent; the log says why.")
        try:
            body = message_body(delivery)
            headers = message_headers(
                delivery,
                body,
                keys=self.credentials.keys_of(delivery, now=started_at),
                timestamp=int(started_at.timestamp()),
                user_agent=self.rules.user_agent,
                custom=self.credentials.headers_of(delivery),
            )
            outcome = await sender.send(delivery.url, body, headers, now=started_at)
        except Unreadable as error:
            outcome = Outcome(BROKEN, error=str(error))
        finally:
            self.windows.ended(delivery.endpoint_id, delivered=outcome.delivered)
            self.by_organization[delivery.organization_id] -= 1
            if not self.by_organization[delivery.organization_id]:
                del self.by_organization[delivery.organization_id]
            took = time.perf_counter() - began
            self.answers.append(
                Answer(
                    delivery,
                    outcome,
                    self._verdict(delivery, outcome),
                    started_at,
                    round(took * 1000),
                )
            )

    def _verdict(self, delivery: Claimed, outcome: Outcome) -> Verdict:
        """An attempt by hand that fails leaves the automatic ones alone: it is never the last."""
        attempt = delivery.attempts + 1
        found = verdict(
            outcome,
            attempt=attempt,
            schedule=self.rules.schedule,
            jitter=self.rules.chance(),
        )
        if delivery.manual and not outcome.delivered and not outcome.gone:
            return Verdict("failed", outcome.retry_after or 0.0)
        return found

    # --- Settling -------------------------------------------------------------------------------------------------

    async def _settle_on(self) -> None:
        """Until the engine is ending and everything that came down is written."""
        written = time.monotonic()
        while self.answers or not self.ending:
            await asyncio.sleep(SETTLE_EVERY)
            await self._settle_once()
            if self.health and (self.health.urgent or time.monotonic() - written > HEALTH_EVERY):
                await self._write_health()
                written = time.monotonic()
        if self.health:
            await self._write_health()

    async def _settle_once(self) -> None:
        """Writes what has landed. While the database is away the answers wait, as long as their leases hold."""
        batch = self.answers[:]
        if not batch:
            return
        try:
            self.settling = await connect(self.settling)
            moved = await settle(self.settling, batch)
        except psycopg.OperationalError as error:
            log.warning("engine.database_trouble", error=type(error).__name__)
            self.answers = [answer for answer in self.answers if answer.age <= self.rules.lease]
            await asyncio.sleep(OUTAGE_PAUSE)
            return
        del self.answers[: len(batch)]
        sends_in_flight.set(len(self.flights))
        for answer in batch:
            note_answer(answer, moved.get(answer.delivery.id))
            self.health.note(answer.delivery, answer.outcome, ended_at(answer))

    async def _write_health(self) -> None:
        try:
            self.settling = await connect(self.settling)
            await self.health.write(self.settling)
        except psycopg.OperationalError as error:
            log.warning("engine.database_trouble", error=type(error).__name__)


def look_again_after(took: float) -> float:
    """Seconds to wait after a claim that found too little and took so long: a claim may cost a fifth of a core."""
    return min(LONGEST_LOOK, max(SHORTEST_LOOK, 4 * took))


def ended_at(answer: Answer) -> datetime:
    return answer.started_at + timedelta(milliseconds=answer.duration_ms)

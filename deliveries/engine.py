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
from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from deliveries.attempt_trace import AttemptTrace, passed_on
from deliveries.backoff import Verdict, verdict
from deliveries.claim import Claimed, claim_due, last_served, next_opening
from deliveries.company import Company
from deliveries.courtesy import Courtesy
from deliveries.credentials import Credentials, Unreadable
from deliveries.database import connect
from deliveries.lateness import Lateness
from deliveries.message import message_body, message_headers
from deliveries.metrics import sends_in_flight
from deliveries.networks import Network
from deliveries.outcome import LOST, UNSENT, Outcome
from deliveries.sender import Sender
from deliveries.settle import Answer
from deliveries.settler import OUTAGE_PAUSE, Settler
from deliveries.windows import FIRST, Windows

if TYPE_CHECKING:
    from organizations.tracing import Tracing

log = structlog.get_logger(__name__)

MOST_IN_FLIGHT = 512
MOST_AT_ONCE, FEW_AT_ONCE = 128, 16  # of one claim; few while some tenants have much and others little
# Beyond it nothing more of that tenant is claimed, until some have landed.
MOST_OF_ONE_TENANT, LEAST_OF_ONE_TENANT = 256, 64
WORTH_CLAIMING = 64  # free places, before a full engine asks for more
MOST_UNSETTLED = 4 * MOST_IN_FLIGHT  # answers that are not written yet
MOST_LOST_CLAIMS = 5  # in a row: what kills its worker each time is given up
LEASE_MARGIN = (
    15.0  # seconds of a lease beyond the longest send: for settling, and for a database that restarts
)
SHORTEST_LOOK, LONGEST_LOOK = 0.01, 0.25  # seconds between two claims that find nothing
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
    flights: set[asyncio.Task[None]] = field(default_factory=set)
    suspect: str = ""  # the delivery that was claimed as one last
    suspect_flight: asyncio.Task[None] | None = None
    by_organization: Counter[str] = field(default_factory=Counter)
    landings: int = 0
    goal: int = 0
    no_gate_until: float = 0.0  # time.monotonic
    no_suspect_until: float = 0.0
    last_served: str = "00000000-0000-0000-0000-000000000000"
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    sender: Sender | None = None
    claiming: psycopg.AsyncConnection[Any] | None = None
    settler: Settler = field(default_factory=Settler)
    lateness: Lateness = field(default_factory=Lateness)
    courtesy: Courtesy = field(default_factory=Courtesy)
    company: Company = field(default_factory=Company)
    tracing: "Tracing | None" = None

    async def run(self) -> int:
        sender = self.sender = self.sender or Sender(allowed=self.rules.allowed, timeout=self.rules.timeout)
        self.settler.ending = False
        settling = asyncio.create_task(self.settler.run())
        watches = self.lateness.watch(), self.company.watch(self.courtesy, self.lateness)
        watching = [asyncio.create_task(watch) for watch in watches]
        try:
            return await self._claim_on(sender, settling)
        finally:
            while self.flights:
                await asyncio.wait(self.flights)
            for watch in watching:
                watch.cancel()
            sends_in_flight.set(0)
            self.settler.ending = True
            await settling

    async def close(self) -> None:
        await self.settler.close()
        if self.claiming is not None:
            await self.claiming.close()
        if self.sender is not None:
            await self.sender.close()

    # --- Claiming and sending -------------------------------------------------------------------------------------

    async def _claim_on(self, sender: Sender, settling: asyncio.Task[None]) -> int:
        """A settler that is done before its time has crashed: then nothing more is sent, and `run` raises its error."""
        sent = 0
        while not self.rules.stopping() and not settling.done():
            began = time.perf_counter()
            wanted = self._wanted()
            claimed = await self._claim(wanted)
            took = time.perf_counter() - began
            served = Counter(delivery.organization_id for delivery in claimed)
            self.courtesy.serve(
                served, scale=self.lateness.scale, now=time.monotonic(), elsewhere=self.company.elsewhere
            )
            for delivery in claimed:
                self._take_off(delivery, sender)
            # What is ours is on its way by now: should the database go away here, it need not wait for its lease.
            for delivery in (suspects := await self._claim_suspect()):
                self._take_off(delivery, sender)
            claimed += suspects
            sends_in_flight.set(len(self.flights))
            sent += len(claimed)
            opening = None if claimed else await self._next_opening()
            idle = not claimed and not self.flights and self.settler.idle and opening is None
            if idle and not self.courtesy.resting(now=time.monotonic()):
                break
            pause = min(look_again_after(took), opening or LONGEST_LOOK)
            if self.courtesy.resting(
                now=time.monotonic()
            ):  # for those with little, who are not to wait for it
                pause = min(pause, max(SHORTEST_LOOK, took))
            # Who answers at once has answered all of them before the next ones are claimed, and we would sit idle for
            # a third of the time: so where there is more, the next are claimed while these are on their way.
            sent_before = len(self.flights) - len(claimed)
            if not claimed or len(claimed) < wanted or sent_before >= WORTH_CLAIMING:
                await self._until_worth_claiming(claimed=len(claimed), pause=pause)
        return sent

    def _wanted(self) -> int:
        """How many to claim. None while answers pile up: what else is sent could not be written either.

        Few beside others: whoever has little waits while all of one claim are sent off, and who has much then rests for
        that.
        """
        if self.settler.waiting > MOST_UNSETTLED:
            return 0
        at_once = FEW_AT_ONCE if self.courtesy.is_mixed(now=time.monotonic()) else MOST_AT_ONCE
        return max(0, min(at_once, MOST_IN_FLIGHT - len(self.flights)))

    async def _claim(self, wanted: int, *, suspects: bool = False) -> list[Claimed]:
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
                suspects=suspects,
            )
            self.last_served = last_served(claimed, start=self.last_served)
            await self.credentials.load(self.claiming, claimed)
            return claimed
        except psycopg.OperationalError as error:
            if not self.flights and self.settler.idle:
                raise
            log.warning("engine.database_trouble", error=type(error).__name__)
            await asyncio.sleep(OUTAGE_PAUSE)
            return []

    async def _claim_suspect(self) -> list[Claimed]:
        """One that may kill us, while no other such is in flight here: so not many innocent ones go with it."""
        now = time.monotonic()
        full = len(self.flights) >= MOST_IN_FLIGHT
        if full or self._suspect_is_under_way() or now < self.no_suspect_until:
            return []
        found = await self._claim(1, suspects=True)
        if found:
            self.suspect = found[0].id
        else:
            self.no_suspect_until = now + LONGEST_LOOK
        return found

    def _suspect_is_under_way(self) -> bool:
        """Until its answer is written: the next one may kill us before that."""
        flying = self.suspect_flight is not None and not self.suspect_flight.done()
        return flying or self.settler.holds(self.suspect)

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
        self.goal = self.landings + (min((claimed + 1) // 2, WORTH_CLAIMING) or MOST_IN_FLIGHT)
        self.landed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.landed.wait(), timeout=pause)

    def _crowded(self) -> list[str]:
        """Organizations of whom nothing is claimed now: they have their share of the places, or rest."""
        share = self._share()
        full = [organization for organization, flying in self.by_organization.items() if flying >= share]
        return full + self.courtesy.resting(now=time.monotonic())

    def _share(self) -> int:
        """Of one tenant, in flight. Less while the loop is late and somebody with little would wait for it."""
        in_company = self.courtesy.in_company(now=time.monotonic())
        late_share = self.lateness.of(MOST_OF_ONE_TENANT, least=LEAST_OF_ONE_TENANT)
        return late_share if in_company else MOST_OF_ONE_TENANT

    def _take_off(self, delivery: Claimed, sender: Sender) -> None:
        if delivery.lost_claims >= MOST_LOST_CLAIMS:
            self._bury(delivery)
            return
        self.windows.started(delivery.endpoint_id)
        self.by_organization[delivery.organization_id] += 1
        flight = asyncio.create_task(self._fly(delivery, sender))
        self.flights.add(flight)
        if delivery.id == self.suspect:
            self.suspect_flight = flight
        flight.add_done_callback(self._landed)

    def _bury(self, delivery: Claimed) -> None:
        """A dead letter without another try, and no failure of its endpoint's."""
        log.error(
            "delivery.buried", delivery_id=delivery.id, event_id=delivery.event_id, lost=delivery.lost_claims
        )
        outcome = Outcome(
            LOST,
            error=f"{delivery.lost_claims} times in a row the worker that sent it died before it had an answer.",
        )
        self.settler.note(Answer(delivery, outcome, Verdict("dead_letter"), delivery.claimed_at, 0))

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
        lease_ends = time.monotonic() + self.rules.lease
        outcome = Outcome(UNSENT, error="It could not be sent; the log says why.")
        trace = None
        try:
            trace = None if self.tracing is None else AttemptTrace(self.tracing, delivery)
            body = message_body(delivery)
            headers = message_headers(
                delivery,
                body,
                keys=self.credentials.keys_of(delivery, now=started_at),
                timestamp=int(started_at.timestamp()),
                user_agent=self.rules.user_agent,
                custom=self.credentials.headers_of(delivery),
                traceparent=passed_on(delivery, trace),
            )
            outcome = await sender.send(delivery.url, body, headers, now=started_at)
        except Unreadable as error:
            outcome = Outcome(UNSENT, error=str(error))
        finally:
            self.windows.ended(delivery.endpoint_id, delivered=outcome.delivered)
            self.by_organization[delivery.organization_id] -= 1
            if not self.by_organization[delivery.organization_id]:
                del self.by_organization[delivery.organization_id]
            took = time.perf_counter() - began
            decided = self._verdict(delivery, outcome)
            self.settler.note(Answer(delivery, outcome, decided, started_at, round(took * 1000), lease_ends))
            if trace is not None:
                trace.end(outcome)

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


def look_again_after(took: float) -> float:
    """Seconds to wait after a claim that found too little and took so long: a claim may cost a fifth of a core."""
    return min(LONGEST_LOOK, max(SHORTEST_LOOK, 4 * took))

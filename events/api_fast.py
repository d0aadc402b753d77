"""`POST /api/events` and `POST /api/events/batch` for the event loop: collected, and worked on in a few threads.

What is decided is decided where the views in `events/api.py` have it decided, too.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import wraps
from typing import NamedTuple, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import structlog
from django.db import connection

from deliveries.company import Company
from deliveries.courtesy import LONGEST_REST, Courtesy
from deliveries.intake import Batch, Call, Taken, take_batches, take_calls
from deliveries.lateness import Lateness
from deliveries.ring import ring
from events.accept import Accepted
from events.accept_trace import AcceptTrace
from events.answers import accepted_answer
from events.idempotency import Answer
from events.incoming import IncomingEvent, read_batch, read_event
from organizations.collector import Collector
from organizations.errors import InvalidBody, OverLimit, Refused
from organizations.limits import Spending, over_limit, spend_all
from organizations.models import ApiKey, Organization
from organizations.replica import note_changes
from organizations.verification import allowed_limit, read_states, remembered_key

MOST_TOGETHER = 4 * 1024 * 1024  # bytes of payloads in one commit
LEAST_WEIGHT = 16 * 1024  # bytes that an event counts for at least: 256 events in one commit
# Of batches in one commit, bytes of bodies: neighbours wait while PostgreSQL stores them. An event counts for at least
# so much: some 400 in one commit.
MOST_OF_BATCHES = 256 * 1024
LEAST_WEIGHT_IN_BATCH = 640
COMMITS_AT_ONCE = 1
BATCHES_AT_ONCE = 2
WATCHED_SECONDS = 10  # after the last event: whoever was late keeps up again long before
REST_SECONDS = 1  # after which a connection may have died unnoticed

P = ParamSpec("P")
T = TypeVar("T")


class Answered(NamedTuple):
    """What is answered, and how much of the limit is left, if the caller's was looked at."""

    spending: Spending | None
    outcome: Answer | Exception
    events: int = 1


class BatchCall(NamedTuple):
    """A batch as posted. `about`: what its line in the log is to tell of the request."""

    organization: Organization
    body: bytes
    about: dict[str, str]
    trace: AcceptTrace | None


def on_kept_connection(work: Callable[P, T]) -> Callable[P, T]:
    """For threads of our own: their database connections are kept from call to call, but looked at before they are
    used after an error or a rest."""
    resting = threading.local()

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if connection.errors_occurred or time.monotonic() > getattr(resting, "since", 0.0) + REST_SECONDS:
            connection.close_if_unusable_or_obsolete()
        try:
            return work(*args, **kwargs)
        finally:
            resting.since = time.monotonic()

    return run


class FastEvents:
    """The calls of one event loop."""

    def __init__(self) -> None:
        self._lateness, self._courtesy, self._company = Lateness(), Courtesy(), Company()
        self._watching: asyncio.Task[None] | None = None
        self._end_of_watch = 0.0
        self._renewal: asyncio.Future[None] | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._log = structlog.get_logger(__name__).bind()
        self._threads = ThreadPoolExecutor(COMMITS_AT_ONCE + 2, thread_name_prefix="collected")
        self._batch_threads = ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="batches")
        self._calls: Collector[Call, Taken] = Collector(
            _take_calls,
            threads=self._threads,
            most=MOST_TOGETHER,
            weigh=_weight,
            at_once=COMMITS_AT_ONCE,
        )
        self._batches: Collector[BatchCall, Answered] = Collector(
            _answer_batches,
            threads=self._batch_threads,
            most=MOST_OF_BATCHES,
            weigh=_weight_of_batch,
            at_once=BATCHES_AT_ONCE,
        )
        self._bell: Collector[None, None] = Collector(_ring_once, threads=self._threads, most=10_000)
        self._states: Collector[str, None] = Collector(
            on_kept_connection(read_states), threads=self._threads, most=1_000
        )

    async def known_key(self, text: str) -> ApiKey | None:
        """The valid key that `text` is, if this process has checked it before. None says nothing about it."""
        found = remembered_key(text)
        if found is not None and not found.fresh and self._renewal is not None:
            await asyncio.wait([self._renewal])
            found = remembered_key(text)
        if found is not None and not found.fresh:
            await self._states.ask(found.key.public_id)
            found = remembered_key(text)
        if found is None or not found.fresh:
            return None
        if found.ends_soon and self._renewal is None:
            self._renewal = self._states.tell(found.key.public_id)
            self._renewal.add_done_callback(self._renewed)
        return found.key

    def _renewed(self, done: "asyncio.Future[None]") -> None:
        """Whether it went well is for those to hear who can't do without it."""
        self._renewal = None
        if not done.cancelled():
            done.exception()

    async def post_event(
        self, organization: Organization, body: bytes, about: dict[str, str], trace: AcceptTrace | None
    ) -> Answered:
        """`about`: what its line in the log is to tell of the request."""
        event: IncomingEvent | Refused
        try:
            event = read_event(body)
        except Refused as refused:
            event = refused
        self._serve(about["organization_id"], 1)
        traceparent = None if trace is None else trace.traceparent
        began = time.perf_counter()
        spending, outcome = await self._calls.ask(Call(organization, event, traceparent))
        self._lateness.note_wait(time.perf_counter() - began)
        if not isinstance(outcome, Accepted):
            return Answered(spending, outcome)
        self._bell.tell(None)
        if trace is not None:
            trace.note_event(outcome.id, outcome.type)
        self._log.info("event.accepted", event_id=str(outcome.id), event_type=outcome.type, **about)
        return Answered(spending, accepted_answer(outcome))

    async def post_batch(
        self, organization: Organization, body: bytes, about: dict[str, str], trace: AcceptTrace | None
    ) -> Answered:
        """As `post_event`. Begins later while its sender rests (`deliveries/courtesy.py`)."""
        name = str(organization.pk)
        async with self._turn(name):
            if rest := self._courtesy.rest_of(name, now=time.monotonic()):
                await asyncio.sleep(rest)
            answered = await self._batches.ask(BatchCall(organization, body, about, trace))
            self._serve(name, answered.events)
        if isinstance(answered.outcome, Answer):
            self._bell.tell(None)
        return answered

    @asynccontextmanager
    async def _turn(self, organization: str) -> AsyncIterator[None]:
        """In company one batch of a sender's after the other: those that came at once would all have rested by the same
        moment. Nobody waits for its turn for longer than it may rest."""
        if not self._courtesy.in_company(now=time.monotonic()):
            yield
            return
        turn = self._turns.setdefault(organization, asyncio.Lock())
        mine = await _acquired(turn, within=LONGEST_REST)
        try:
            yield
        finally:
            if mine:
                turn.release()

    def _serve(self, organization: str, events: int) -> None:
        now = time.monotonic()
        self._end_of_watch = now + WATCHED_SECONDS
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        self._courtesy.serve(
            {organization: events},
            scale=self._lateness.scale,
            now=now,
            elsewhere=self._company.elsewhere,
        )

    async def _watch(self) -> None:
        """Until nobody has come for a while: who is idle need not look a hundred times a second whether it is late."""
        async with asyncio.TaskGroup() as group:
            watches = self._lateness.watch(), self._company.watch(self._courtesy, self._lateness)
            watching = [group.create_task(watch) for watch in watches]
            while (left := self._end_of_watch - time.monotonic()) > 0:  # noqa: ASYNC110  (no event is to wake it)
                await asyncio.sleep(left)
            for watch in watching:
                watch.cancel()

    def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._threads.shutdown(wait=False)
        self._batch_threads.shutdown(wait=False)


async def _acquired(lock: asyncio.Lock, *, within: float) -> bool:
    try:
        return await asyncio.wait_for(lock.acquire(), within)
    except TimeoutError:
        return False


@on_kept_connection
def _take_calls(calls: list[Call]) -> list[Taken]:
    taken = take_calls(calls)
    note_changes(
        call.organization
        for call, found in zip(calls, taken, strict=True)
        if isinstance(found.outcome, Accepted)
    )
    return taken


def _ring_once(rings: list[None]) -> list[None]:
    ring()
    return rings


def _weight(call: Call) -> int:
    size = len(bytes(call.event.payload)) if isinstance(call.event, IncomingEvent) else 0
    return max(size, LEAST_WEIGHT)


@on_kept_connection
def _answer_batches(calls: list[BatchCall]) -> list[Answered]:
    """One look at the limits, and one commit. What is wrong with one of them is told to its caller alone."""
    read = [_read(call.body) for call in calls]
    costs = [0 if isinstance(found, Exception) else len(found) for found in read]
    budgets = [allowed_limit(call.organization) for call in calls]
    spendings = spend_all(list(zip(budgets, costs, strict=True)))
    refusals = [
        found if isinstance(found, Exception) else _over_limit(call, spending, len(found))
        for call, found, spending in zip(calls, read, spendings, strict=True)
    ]
    taken = [
        Batch(call.organization, found, call.trace, call.about)
        for call, found, refusal in zip(calls, read, refusals, strict=True)
        if refusal is None and not isinstance(found, Exception)
    ]
    answers = iter(take_batches(taken))
    outcomes = [refusal or next(answers) for refusal in refusals]
    note_changes(
        call.organization
        for call, outcome in zip(calls, outcomes, strict=True)
        if isinstance(outcome, Answer)
    )
    return [
        Answered(spending, outcome, cost if isinstance(outcome, Answer) else 1)
        for spending, outcome, cost in zip(spendings, outcomes, costs, strict=True)
    ]


def _weight_of_batch(call: BatchCall) -> int:
    """Before it is read: each of its events names its payload, but for who tries to look small."""
    size = len(call.body)
    if size >= MOST_OF_BATCHES:
        return size
    return max(size, call.body.count(b'"payload"') * LEAST_WEIGHT_IN_BATCH)


def _read(body: bytes) -> list[IncomingEvent | InvalidBody] | Exception:
    try:
        return read_batch(body)
    except Exception as error:  # told to the caller in the words of `problems.py`, as those of a view are
        return error


def _over_limit(call: BatchCall, spending: Spending, cost: int) -> OverLimit | None:
    return None if spending.passed else over_limit(call.organization.tier, spending, cost)

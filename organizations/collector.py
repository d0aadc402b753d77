"""One call for many callers: what concurrent coroutines ask is answered by one function, in a thread, together.

Nobody waits for a timer: what came in while the last call ran is the next one.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Collector(Generic[Q, A]):
    """`work` gets questions in the order in which they were asked, and gives the answers in that order.

    A question weighs `weigh(question)`; those of one call weigh at most `most` together, but for one that alone weighs
    more. At most `at_once` calls run at a time. What `work` raises is raised to all whose questions it had.
    To be used from one event loop.
    """

    def __init__(
        self,
        work: Callable[[list[Q]], list[A]],
        *,
        threads: Executor,
        most: int,
        weigh: Callable[[Q], int] = lambda _: 1,
        at_once: int = 1,
    ) -> None:
        self._work, self._threads = work, threads
        self._most, self._weigh, self._free = most, weigh, at_once
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._woken = False

    async def ask(self, question: Q) -> A:
        return await self.tell(question)

    def tell(self, question: Q) -> "asyncio.Future[A]":
        """Asks without waiting for the answer."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, future))
        if self._free and not self._woken:
            self._woken = True
            loop.call_soon(self._start)  # after those who are about to ask in this turn of the loop
        return future

    def _start(self) -> None:
        self._woken = False
        while self._free and self._waiting:
            asked = self._next()
            self._free -= 1
            questions = [question for question, _ in asked]
            running = asyncio.get_running_loop().run_in_executor(self._threads, self._work, questions)
            running.add_done_callback(lambda done, asked=asked: self._answer(done, asked))  # type: ignore[misc]

    def _next(self) -> list[tuple[Q, "asyncio.Future[A]"]]:
        asked = [self._waiting.popleft()]
        weight = self._weigh(asked[0][0])
        while self._waiting and (weight := weight + self._weigh(self._waiting[0][0])) <= self._most:
            asked.append(self._waiting.popleft())
        return asked

    def _answer(self, done: "asyncio.Future[list[A]]", asked: list[tuple[Q, "asyncio.Future[A]"]]) -> None:
        self._free += 1
        error = done.exception()
        for number, (_, future) in enumerate(asked):
            if future.done():
                continue  # who asked has gone
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(done.result()[number])
        self._start()

"""How the tour speaks: short lines, with colour and a progress bar on a terminal, plain when piped."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

from tqdm import tqdm

GREEN, RED, BOLD, DIM = "32", "31", "1", "2"


class NotAsTold(Exception):
    """Something did not happen as the tour says it does; the message is a sentence."""


class Screen:
    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._is_terminal = output.isatty()
        self._colours = self._is_terminal and not os.environ.get("NO_COLOR")
        self._steps = 0

    def step(self, words: str, call: str = "") -> None:
        """A headline: what comes now, and the call that does it."""
        self._steps += 1
        self.say("")
        self.say(
            f"{self._painted(f'{self._steps}. {words}', BOLD)}{self._painted(f'   {call}', DIM) if call else ''}"
        )

    def say(self, words: str) -> None:
        print(words, file=self._output, flush=True)

    def explain(self, words: str) -> None:
        self.say(f"   {words}")

    def done(self, words: str, *, took: float | None = None) -> None:
        self.say(f"   {self._painted('✓', GREEN)} {words}{'' if took is None else self._dim_seconds(took)}")

    def failed(self, words: str) -> None:
        self._clear()
        self.say(f"   {self._painted('✗', RED)} Not as told: {words}")

    def title(self, words: str) -> None:
        self.say("")
        self.say(self._painted(words, BOLD))

    def expect(self, holds: bool, words: str, *, otherwise: str, took: float | None = None) -> None:
        """Says that it is so, or raises NotAsTold with what is the case instead."""
        if not holds:
            raise NotAsTold(f"{words}: no, {otherwise}.")
        self.done(words, took=took)

    @contextmanager
    def timed(self, words: str) -> Iterator[None]:
        """Says so when the block is through, and how long it took."""
        began = time.monotonic()
        if self._is_terminal:
            print(f"   … {words}", end="\r", file=self._output, flush=True)
        yield
        self.done(words, took=time.monotonic() - began)

    @contextmanager
    def progress(self, words: str, total: int, unit: str) -> Iterator["tqdm[Any]"]:
        """A bar that is gone afterwards; none where nobody looks."""
        with tqdm(
            desc=f"   {words}",
            total=total,
            unit=f" {unit}",
            file=self._output,
            disable=not self._is_terminal,
            leave=False,
            ncols=78,
        ) as bar:
            yield bar

    def attempt(self, attempt: dict[str, Any]) -> None:
        """A line of a delivery's attempt log, as the API gives it."""
        answer = attempt["status_code"] or attempt["outcome"]
        following = _seconds_between(attempt["started_at"], attempt["next_attempt_at"])
        if attempt["outcome"] == "delivered":
            then = self._painted("delivered", GREEN)
        elif following is None:
            then = self._painted("no further attempt", RED)
        else:
            then = f"again after {following:.1f} s"
        self.explain(f"attempt {attempt['number']}: {answer} in {attempt['duration_ms']} ms, {then}")

    def _clear(self) -> None:
        """Wipes what `timed` has begun to say."""
        if self._is_terminal:
            print("\033[K", end="", file=self._output)

    def _painted(self, words: str, colour: str) -> str:
        return f"\033[{colour}m{words}\033[0m" if self._colours else words

    def _dim_seconds(self, took: float) -> str:
        return self._painted(f" ({took:.1f} s)", DIM)


def _seconds_between(start: str, end: str | None) -> float | None:
    if end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()

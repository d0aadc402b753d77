"""What follows from an attempt: delivered, again later, or given up. Time and chance are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass

from deliveries.outcome import Outcome

MOST_JITTER = 0.2  # of the wait, added and never taken off


@dataclass(frozen=True)
class Verdict:
    """`status` the delivery goes to; `wait` in seconds until the next attempt, None when there is none."""

    status: str
    wait: float | None = None


def wait_after(attempt: int, *, schedule: Sequence[int], jitter: float) -> float | None:
    """Seconds to wait after the attempt of that number (from 1); None after the last. `jitter` is 0.0 to 1.0."""
    if attempt > len(schedule):
        return None
    return schedule[attempt - 1] * (1 + MOST_JITTER * jitter)


def verdict(outcome: Outcome, *, attempt: int, schedule: Sequence[int], jitter: float) -> Verdict:
    """What becomes of a delivery after its automatic attempt of that number."""
    if outcome.delivered:
        return Verdict("delivered")
    wait = wait_after(attempt, schedule=schedule, jitter=jitter)
    if outcome.gone or wait is None:
        return Verdict("dead_letter")
    if outcome.retry_after is not None:
        wait = max(wait, outcome.retry_after)
    return Verdict("failed", wait)

"""How long the steps of an attempt took, as a bar: drawn by the server, since no style may stand in a page."""

from dataclasses import dataclass

from deliveries.models import Attempt
from organizations.admin_words import lasted

WIDE = 1000  # units of the drawing


@dataclass(frozen=True)
class Step:
    """`x` and `width` of WIDE."""

    css: str
    name: str
    milliseconds: int
    x: int = 0
    width: int = 0

    @property
    def words(self) -> str:
        return f"{self.name} {lasted(self.milliseconds)}"


def steps_of(attempt: Attempt) -> list[Step]:
    """One after the other; none when nothing was timed."""
    timed = [
        ("dns", "DNS", attempt.dns_ms),
        ("connect", "TCP", attempt.connect_ms),
        ("tls", "TLS", attempt.tls_ms),
        ("first-byte", "first byte", attempt.first_byte_ms),
    ]
    steps = [Step(css, name, took) for css, name, took in timed if took is not None]
    left = attempt.duration_ms - sum(step.milliseconds for step in steps)
    if steps and left > 0:
        steps.append(Step("rest", _rest(attempt), left))
    return _drawn(steps)


def kept(attempt: Attempt) -> bool:
    """It went over a connection that was there already."""
    return attempt.connect_ms is None and attempt.first_byte_ms is not None


def _rest(attempt: Attempt) -> str:
    if attempt.first_byte_ms is not None:
        return "the rest"
    return "no answer for" if attempt.connect_ms is not None else "no connection for"


def _drawn(steps: list[Step]) -> list[Step]:
    whole, so_far, drawn = max(sum(step.milliseconds for step in steps), 1), 0, []
    for step in steps:
        start, end = (WIDE * at // whole for at in (so_far, so_far + step.milliseconds))
        drawn.append(Step(step.css, step.name, step.milliseconds, start, end - start))
        so_far += step.milliseconds
    return drawn

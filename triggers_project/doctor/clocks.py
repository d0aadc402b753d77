"""This machine's clock against another's."""

import time
from collections.abc import Callable, Iterator

from triggers_project.doctor.findings import Finding, fault, warning, well

NOTED, GRAVE = 1.0, 60.0  # seconds
ADVICE = "Let both machines keep time by NTP: receivers refuse signatures whose time is minutes off."


def compare(whose: str, ask: Callable[[], float]) -> Iterator[Finding]:
    """`ask` answers in seconds since 1970. How long it takes to answer is no difference."""
    before = time.time()
    theirs = ask()
    after = time.time()
    apart = max(before - theirs, theirs - after, 0.0)
    yield judged(whose, apart)


def judged(whose: str, apart: float) -> Finding:
    about, words = "clocks", f"This machine's clock and {whose}'s are {apart:.1f} s apart."
    if apart >= GRAVE:
        return fault(about, words, ADVICE)
    if apart >= NOTED:
        return warning(about, words, ADVICE)
    return well(about, f"{whose}'s is within {NOTED:.0f} s of this machine's")

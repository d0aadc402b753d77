"""What came of one attempt, as a value: an expected failure is data, not an exception."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from deliveries.progress import NOTHING_TIMED, Timings

LONGEST_RETRY_AFTER = 86_400  # seconds: a receiver may ask for a day, not for ever

# The kinds, as the attempts' `outcome` shows them.
DELIVERED = "delivered"
REJECTED = "rejected"  # an answer that is not 2xx
TIMEOUT = "timeout"
UNREACHABLE = "unreachable"  # no connection: refused, DNS, TLS
BROKEN = "broken"  # connected, but what came back is not HTTP, or stopped
FORBIDDEN = "forbidden"  # the address may not be called
UNSENT = "unsent"  # our own fault: no key to sign it, or a mistake of ours
LOST = "lost"  # given up: whoever sent it died, again and again
KINDS = (DELIVERED, REJECTED, TIMEOUT, UNREACHABLE, BROKEN, FORBIDDEN, UNSENT, LOST)


@dataclass(frozen=True)
class Outcome:
    """`error` is a sentence for people. `retry_after` is in seconds, as the receiver asked with 429 or 503."""

    kind: str
    status_code: int | None = None
    error: str = ""
    retry_after: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    timings: Timings = field(
        default=NOTHING_TIMED, compare=False
    )  # two that took differently long are the same

    @property
    def delivered(self) -> bool:
        return self.kind == DELIVERED

    @property
    def tells_of_the_receiver(self) -> bool:
        """What went wrong on our side says nothing of how the endpoint is doing."""
        return self.kind not in (UNSENT, LOST)

    @property
    def gone(self) -> bool:
        """410: the receiver wants nothing more from this endpoint."""
        return self.status_code == 410


def answered(
    status_code: int,
    *,
    headers: dict[str, str],
    body: str,
    now: datetime,
    timings: Timings = NOTHING_TIMED,
) -> Outcome:
    """The outcome of an answer that came whole."""
    if 200 <= status_code < 300:
        return Outcome(DELIVERED, status_code, headers=headers, body=body, timings=timings)
    error = f"The receiver answered {status_code}."
    if 300 <= status_code < 400:
        error = f"The receiver answered {status_code}; redirects are not followed."
    retry_after = None
    if status_code in (429, 503):
        given = next(
            (value for name, value in headers.items() if name.lower() == "retry-after"),
            None,
        )
        asked = seconds_until(given, now=now) if given else None
        retry_after = None if asked is None else min(asked, LONGEST_RETRY_AFTER)
    return Outcome(REJECTED, status_code, error, retry_after, headers, body, timings)


def seconds_until(retry_after: str, *, now: datetime) -> float | None:
    """Retry-After (RFC 9110, section 10.2.3) in seconds from now: a number or a date; None for anything else."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:  # asctime's form names no zone: it is GMT
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None

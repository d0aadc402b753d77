"""Who has much rests while others have little and the machine can't keep up.

A tenant that posts 50,000 events at once, or whose backlog is sent, can use all of a machine; then everything that
others do waits for a core, at each of the ten steps from their POST to their receiver. So while the event loop is late
(`lateness.py`), and somebody with little was there within the last second, a tenant that has just had much is left out
for some time: the longer, the later the loop. A machine that keeps up, or has nobody else to serve, makes nobody rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MUCH = 8  # deliveries of one claim
COST = 0.0005  # seconds of a core for a delivery, or for an event of a batch: about
COMPANY = 1.0  # seconds for which somebody who had little is there
MOST_REST = 20.0  # times what was had took


@dataclass
class Courtesy:
    """Times are in seconds, by a clock of the caller's; `scale` is `Lateness.scale`, 1.0 while the loop keeps up."""

    company_until: float = float("-inf")
    until: dict[str, float] = field(default_factory=dict)

    def serve(self, served: Mapping[str, int], *, scale: float, now: float) -> None:
        """`served`: how much each organization has just had."""
        if any(amount < MUCH for amount in served.values()):
            self.company_until = now + COMPANY
        self.until = {organization: end for organization, end in self.until.items() if end > now}
        if now < self.company_until and scale < 1.0:
            for organization, amount in served.items():
                if amount >= MUCH:
                    self.until[organization] = now + amount * COST * MOST_REST * (1 - scale)

    def resting(self, *, now: float) -> list[str]:
        return [organization for organization, end in self.until.items() if end > now]

    def rest_of(self, organization: str, *, now: float) -> float:
        """Seconds that it is still left out."""
        return max(0.0, self.until.get(organization, now) - now)

"""Who has much rests while others have little and the machine can't keep up.

A tenant that posts 50,000 events at once, or whose backlog is sent, can use all of a machine; then everything that
others do waits for a core, at each of the ten steps from their POST to their receiver. So while an event loop is late
(`lateness.py`), and somebody with little was there within the last second, a tenant that has just had much is left out
for some time: the longer, the later the loop; here, and in all other processes (`company.py`). It begins with a rest,
before anybody knows what it does to others. A machine that keeps up soon makes nobody rest any more, and one that has
nobody else to serve never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MUCH = 8  # deliveries of one claim
COST = 0.0005  # seconds of a core for a delivery, or for an event of a batch: about
COMPANY = 1.0  # seconds for which somebody who had little is there
MOST_REST = 100.0  # times what was had took
FIRST_REST = 4.0  # times that, before anybody knows what it does to others
REMEMBERED = 5.0  # seconds after its rest, that somebody has had much beside others
HICCUP = 0.2  # of the scale: a loop that was late once keeps up, as far as anybody can tell
LONGEST_REST = 2.0  # seconds: whoever has posted a batch waits for its answer


@dataclass
class Courtesy:
    """Times are in seconds, by a clock of the caller's; `scale` is `Lateness.scale`, 1.0 while the loop keeps up."""

    # Until when an organization is one that has much, is there with little, or rests.
    much: dict[str, float] = field(default_factory=dict)
    little: dict[str, float] = field(default_factory=dict)
    rests: dict[str, float] = field(default_factory=dict)
    # Of who had much beside others: seconds of the last rest, and until when that is known.
    last_rest: dict[str, float] = field(default_factory=dict)
    known: dict[str, float] = field(default_factory=dict)
    forgets_at: float = 0.0

    def serve(self, served: Mapping[str, int], *, scale: float, now: float, elsewhere: float = 1.0) -> None:
        """`served`: how much each organization has just had. Who has much has little at times as well: at its first
        claims, and with what is left at last. `elsewhere` is `Company.elsewhere`."""
        if now >= self.forgets_at:
            self._forget(now)
        much = {organization: amount for organization, amount in served.items() if amount >= MUCH}
        for organization in served:
            if organization in much:
                self.little.pop(organization, None)
            elif self.much.get(organization, now) <= now:
                self.little[organization] = now + COMPANY
        if much:
            late = max(0.0, 1 - min(elsewhere, scale if self.in_company(now=now) else 1.0) - HICCUP)
            for organization, amount in much.items():
                rest = max(amount * COST * MOST_REST * late, self._gently(organization, amount, now=now))
                self._rest(organization, min(rest, LONGEST_REST), now=now)

    def _gently(self, organization: str, amount: int, *, now: float) -> float:
        """Who has much beside others begins with a rest, and has half as long a one each time that nobody was late."""
        if not self.in_company(now=now):
            return 0.0
        if self.known.get(organization, now) <= now:
            return amount * COST * FIRST_REST
        return self.last_rest[organization] / 2

    def _rest(self, organization: str, rest: float, *, now: float) -> None:
        self.rests[organization] = max(now + rest, self.rests.get(organization, now))
        self.much[organization] = now + rest + COMPANY
        if self.in_company(now=now):
            self.last_rest[organization], self.known[organization] = rest, now + rest + REMEMBERED

    def in_company(self, *, now: float) -> bool:
        """Whether somebody with little is there."""
        return any(end > now for end in self.little.values())

    def has_much(self, *, now: float) -> bool:
        """Whether somebody with much is."""
        return any(end > now for end in self.much.values())

    def is_mixed(self, *, now: float) -> bool:
        """Whether both are."""
        return self.in_company(now=now) and self.has_much(now=now)

    def _forget(self, now: float) -> None:
        """Now and then: with thousands of tenants it would cost more, for each event, than accepting it."""
        self.forgets_at = now + COMPANY
        for times in (self.much, self.little, self.rests, self.known):
            for organization in [organization for organization, end in times.items() if end <= now]:
                del times[organization]
        for organization in self.last_rest.keys() - self.known.keys():
            del self.last_rest[organization]

    def resting(self, *, now: float) -> list[str]:
        return [organization for organization, end in self.rests.items() if end > now]

    def rest_of(self, organization: str, *, now: float) -> float:
        """Seconds that it is still left out."""
        return max(0.0, self.rests.get(organization, now) - now)

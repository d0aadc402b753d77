"""How long events are kept, by tier; and what of them may go by now."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from organizations.sql import run
from organizations.uuid7 import SLACK_OF_CLOCKS, first_id_at

# Those of which something is open stay, however old.
_OLD = """
SELECT tier, open, count(*)::bigint AS number FROM (
    SELECT organization.tier, EXISTS (
        SELECT FROM deliveries_delivery WHERE event_id = event.id AND status IN ('pending', 'failed')
    ) AS open
    FROM unnest(%(tiers)s::text[], %(kept)s::interval[]) AS rule (tier, kept)
    JOIN organizations_organization AS organization ON organization.tier = rule.tier
    JOIN events_event AS event ON event.organization_id = organization.id
    WHERE event.id < %(bound)s::uuid AND event.created_at < now() - rule.kept
) AS old
GROUP BY tier, open
"""


@dataclass(frozen=True)
class Expired:
    """Of one tier: `events` may go, `held` are as old, but something of them is still to be sent."""

    tier: str
    days: int
    events: int
    held: int


def longest_kept() -> int:
    """In days."""
    return max(settings.RETENTION_DAYS_BY_TIER.values())


def kept_shorter() -> dict[str, int]:
    """Tiers whose events go before `longest_kept`, in days."""
    longest = longest_kept()
    return {tier: days for tier, days in settings.RETENTION_DAYS_BY_TIER.items() if days < longest}


def expired() -> list[Expired]:
    """Counted one by one: it takes a while where there are many."""
    by_tier: dict[str, int] = settings.RETENTION_DAYS_BY_TIER
    now = run("SELECT now() AS now", {})[0]["now"]
    bound = first_id_at(now - timedelta(days=min(by_tier.values())), SLACK_OF_CLOCKS)
    kept = [timedelta(days=days) for days in by_tier.values()]
    rows = run(_OLD, {"tiers": list(by_tier), "kept": kept, "bound": bound})
    number = {(row["tier"], row["open"]): row["number"] for row in rows}
    return [
        Expired(tier, days, number.get((tier, False), 0), number.get((tier, True), 0))
        for tier, days in by_tier.items()
    ]

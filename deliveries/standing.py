"""How things stand now: what waits, since when, what was given up, and how endpoints are doing.

Counted by indexes and up to a bound, so that it is quick however much there is.
"""

from dataclasses import dataclass

from organizations.sql import run

MOST_COUNTED = 10_000  # deliveries of one endpoint, and dead letters of all

PACED_LATELY = 2  # seconds: an endpoint that reached its max_per_second within them is held back by that
# What may be sent now of each endpoint, and what is held back there. `freely`: by nothing of the endpoint's own.
_WAITING = f"""
SELECT
    count(*) FILTER (WHERE state = 'enabled' AND circuit = 'closed') AS enabled,
    count(*) FILTER (WHERE state = 'paused') AS paused,
    count(*) FILTER (WHERE state = 'disabled') AS disabled,
    count(*) FILTER (WHERE state = 'enabled' AND circuit <> 'closed') AS open_circuits,
    coalesce(sum(due.number) FILTER (WHERE freely), 0)::bigint AS due,
    coalesce(sum(due.number) FILTER (WHERE NOT freely), 0)::bigint AS held,
    coalesce(sum(later.number), 0)::bigint AS later,
    extract(epoch FROM now() - min(due.oldest) FILTER (WHERE freely))::float AS oldest_due_seconds,
    coalesce(bool_or(due.number = {MOST_COUNTED} OR later.number = {MOST_COUNTED}), false) AS more
FROM deliveries_endpoint AS endpoint
CROSS JOIN LATERAL (
    SELECT state = 'enabled' AND circuit = 'closed' AND NOT (
        max_per_second IS NOT NULL AND coalesce(paced_until > now() - {PACED_LATELY} * interval '1 second', false)
    ) AS freely
) AS of_its_own
CROSS JOIN LATERAL (
    SELECT count(*) AS number, min(next_attempt_at) AS oldest FROM (
        SELECT next_attempt_at FROM deliveries_delivery
        WHERE endpoint_id = endpoint.id AND status IN ('pending', 'failed') AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT {MOST_COUNTED}
    ) AS one
) AS due
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT FROM deliveries_delivery
        WHERE endpoint_id = endpoint.id AND status IN ('pending', 'failed') AND next_attempt_at > now()
        LIMIT {MOST_COUNTED}
    ) AS one
) AS later
WHERE deleted_at IS NULL
"""
_DEAD = f"""
SELECT count(*) AS number FROM (
    SELECT FROM deliveries_delivery WHERE status = 'dead_letter' LIMIT {MOST_COUNTED + 1}
) AS dead
"""


@dataclass(frozen=True)
class Standing:
    """Endpoints that are `enabled` have a closed circuit; those of `open_circuits` are enabled, too, and spared.

    `due` may be sent now; `held` is due, but its endpoint is paused, disabled, spared or at its pace; `later` waits
    for its next attempt, or is being sent. `more`: there are more of these than were counted.
    `oldest_due_seconds` is None when nothing is due.
    """

    enabled: int
    paused: int
    disabled: int
    open_circuits: int
    due: int
    held: int
    later: int
    oldest_due_seconds: float | None
    more: bool
    dead: int

    @property
    def endpoints(self) -> int:
        return self.enabled + self.paused + self.disabled + self.open_circuits


def standing() -> Standing:
    (waiting,) = run(_WAITING, {})
    return Standing(**waiting, dead=run(_DEAD, {})[0]["number"])

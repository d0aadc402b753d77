"""Who stands out in the figures of the desk: the endpoints that fail most, and the tenants that send most."""

import uuid
from dataclasses import dataclass

from events.spans import Span, database_now
from organizations.sql import run


@dataclass(frozen=True)
class WorstEndpoint:
    """`url` is without its query. `success_rate` of its attempts, from 0.0 to 1.0."""

    endpoint_id: uuid.UUID
    organization_id: uuid.UUID
    url: str
    tenant: str
    attempts: int
    failed: int
    dead: int

    @property
    def success_rate(self) -> float:
        return (self.attempts - self.failed) / self.attempts


@dataclass(frozen=True)
class BusiestTenant:
    """`success_rate` of its attempts, from 0.0 to 1.0; None without any."""

    organization_id: uuid.UUID
    tenant: str
    accepted: int
    attempts: int
    delivered: int
    failed: int
    dead: int

    @property
    def success_rate(self) -> float | None:
        return self.delivered / self.attempts if self.attempts else None


# What failed nowhere is no row of the first step: mostly that is nearly all.
_WORST = """
WITH failing AS MATERIALIZED (
    SELECT about, sum(failed)::bigint AS failed, sum(dead)::bigint AS dead FROM deliveries_traffic
    WHERE grain = %(grain)s::int AND at >= %(since)s::timestamptz AND about <> organization_id AND failed > 0
    GROUP BY about
), worst AS MATERIALIZED (
    SELECT endpoint.id AS endpoint_id, organization.id AS organization_id, organization.name AS tenant,
        split_part(endpoint.url, '?', 1) AS url, failing.failed, failing.dead
    FROM failing JOIN deliveries_endpoint AS endpoint ON endpoint.id = failing.about
    JOIN organizations_organization AS organization ON organization.id = endpoint.organization_id
    WHERE endpoint.deleted_at IS NULL
    ORDER BY failing.dead DESC, failing.failed DESC, endpoint.id LIMIT %(most)s::int
)
SELECT worst.*, (
    SELECT sum(attempts)::bigint FROM deliveries_traffic
    WHERE about = endpoint_id AND grain = %(grain)s::int AND at >= %(since)s::timestamptz
) AS attempts
FROM worst ORDER BY dead DESC, failed DESC, endpoint_id
"""

_BUSIEST = """
WITH busiest AS MATERIALIZED (
    SELECT arrivals.organization_id, organization.name AS tenant, arrivals.accepted FROM (
        SELECT organization_id, sum(accepted)::bigint AS accepted FROM events_arrivals
        WHERE grain = %(grain)s::int AND at >= %(since)s::timestamptz GROUP BY organization_id
    ) AS arrivals JOIN organizations_organization AS organization ON organization.id = arrivals.organization_id
    WHERE arrivals.accepted > 0
    ORDER BY arrivals.accepted DESC, organization.id LIMIT %(most)s::int
)
SELECT busiest.*, attempts, delivered, failed, dead FROM busiest CROSS JOIN LATERAL (
    SELECT coalesce(sum(attempts), 0)::bigint AS attempts, coalesce(sum(delivered), 0)::bigint AS delivered,
        coalesce(sum(failed), 0)::bigint AS failed, coalesce(sum(dead), 0)::bigint AS dead
    FROM deliveries_traffic
    WHERE about = busiest.organization_id AND grain = %(grain)s::int AND at >= %(since)s::timestamptz
) AS came_of_it
ORDER BY accepted DESC, organization_id
"""


def worst_endpoints(span: Span, most: int = 10) -> list[WorstEndpoint]:
    """Those at which something failed: most deliveries given up first, then most failed attempts."""
    return [WorstEndpoint(**row) for row in run(_WORST, _parameters(span, most))]


def busiest_tenants(span: Span, most: int = 10) -> list[BusiestTenant]:
    """Those of whom most events were accepted."""
    return [BusiestTenant(**row) for row in run(_BUSIEST, _parameters(span, most))]


def _parameters(span: Span, most: int) -> dict[str, object]:
    return {"grain": span.grain.value, "since": span.times(database_now())[0], "most": most}

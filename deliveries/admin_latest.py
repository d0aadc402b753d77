"""The latest attempts at an endpoint. There is no index of them, so they are looked for where they are likely: with the
newest of its tenant's deliveries, those that will be tried again, and those that were given up."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from deliveries.admin_attempts import WORDS
from deliveries.models import Delivery, Endpoint

SHOWN = 20
WALKED = 1_000  # of the tenant's newest deliveries, whichever endpoint they go to

_LATEST = """\
SELECT looked_at.id AS delivery_id, event_type, number, started_at, duration_ms, outcome, status_code, error
FROM (
    (SELECT id, event_type FROM (
        SELECT id, endpoint_id, event_type FROM deliveries_delivery
        WHERE organization_id BETWEEN %(organization)s AND %(organization)s -- as in `organizations/querysets.py`
        ORDER BY organization_id DESC, id DESC LIMIT %(walked)s
    ) AS newest WHERE endpoint_id = %(endpoint)s ORDER BY id DESC LIMIT %(shown)s)
    UNION
    (SELECT id, event_type FROM deliveries_delivery
    WHERE endpoint_id = %(endpoint)s AND status IN ('pending', 'failed')
    ORDER BY next_attempt_at DESC LIMIT %(shown)s * 3)
    UNION
    (SELECT id, event_type FROM deliveries_delivery
    WHERE organization_id = %(organization)s AND endpoint_id = %(endpoint)s AND status = 'dead_letter'
    ORDER BY id DESC LIMIT %(shown)s)
) AS looked_at CROSS JOIN LATERAL (
    SELECT * FROM deliveries_attempt WHERE delivery_id = looked_at.id ORDER BY number DESC LIMIT %(shown)s
) AS attempt
ORDER BY started_at DESC, looked_at.id LIMIT %(shown)s
"""


@dataclass(frozen=True)
class LatestAttempt:
    """Its fields are the columns, in their order."""

    delivery_id: uuid.UUID
    event_type: str
    number: int
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    error: str

    @property
    def words(self) -> str:
        return WORDS.get(self.outcome, self.outcome)

    @property
    def delivery(self) -> Delivery:
        """For a link to it."""
        return Delivery(pk=self.delivery_id)


def latest_attempts(endpoint: Endpoint) -> list[LatestAttempt]:
    values: dict[str, Any] = {
        "organization": endpoint.organization_id,
        "endpoint": endpoint.pk,
        "walked": WALKED,
        "shown": SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, values)
        return [LatestAttempt(*row) for row in cursor.fetchall()]

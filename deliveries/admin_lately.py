"""How endpoints did in the last day, and how much waits for each: one query for a whole list of them."""

import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import connection

from deliveries.models import Endpoint
from events.spans import Span, database_now
from organizations.admin_lists import OrMore

MOST_WAITING = 1_000  # counted for each

_LATELY = """\
SELECT one.id, waiting.number, attempts.made, attempts.delivered FROM unnest(%(ids)s::uuid[]) AS one (id)
CROSS JOIN LATERAL (
    SELECT count(*) AS number FROM (
        SELECT FROM deliveries_delivery WHERE endpoint_id = one.id AND status IN ('pending', 'failed')
        LIMIT %(most)s
    ) AS counted
) AS waiting
CROSS JOIN LATERAL (
    SELECT sum(attempts)::bigint AS made, sum(delivered)::bigint AS delivered FROM deliveries_traffic
    WHERE about = one.id AND grain = %(grain)s AND at >= %(since)s
) AS attempts
"""


class Lately(NamedTuple):
    """`success_rate` from 0.0 to 1.0; None without attempts."""

    waiting: int
    success_rate: float | None


def lately(endpoints: Iterable[Endpoint]) -> dict[uuid.UUID, Lately]:
    ids = [endpoint.pk for endpoint in endpoints]
    if not ids:
        return {}
    since = Span.DAY.times(database_now())[0]
    values: dict[str, Any] = {
        "ids": ids,
        "most": MOST_WAITING + 1,
        "grain": Span.DAY.grain.value,
        "since": since,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LATELY, values)
        return {
            endpoint_id: Lately(
                number if number <= MOST_WAITING else OrMore(MOST_WAITING), delivered / made if made else None
            )
            for endpoint_id, number, made, delivered in cursor.fetchall()
        }

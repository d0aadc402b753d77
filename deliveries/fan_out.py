"""The deliveries' share of accepting an event: one for each endpoint that wants it (see `events.accept.FanOut`).

Paused and disabled endpoints get theirs, too: they are kept and wait.
"""

from events.accept import FanOut

# What an endpoint's event_types let through: [] all, order.created exactly, order.* whatever begins with order.
WANTED = """(
    endpoint.event_types = '{{}}'
    OR {type} = ANY (endpoint.event_types)
    OR EXISTS (
        SELECT FROM unnest(endpoint.event_types) AS pattern
        WHERE right(pattern, 2) = '.*' AND starts_with({type}, left(pattern, -1))
    )
)"""

FAN_OUT = FanOut(
    reachable="""
        organization.inbox_only OR EXISTS (
            SELECT FROM deliveries_endpoint WHERE organization_id = organization.id AND deleted_at IS NULL
        )
    """,
    wanted=f"""
        EXISTS (
            SELECT FROM deliveries_endpoint AS endpoint
            WHERE endpoint.organization_id = welcome.organization_id AND endpoint.deleted_at IS NULL
                AND {WANTED.format(type="welcome.type")}
        )
    """,
    insert=f"""
        INSERT INTO deliveries_delivery (
            id, organization_id, event_id, event_type, endpoint_id, status, attempts, claim, next_attempt_at, manual,
            test, last_error, created_at
        )
        SELECT triggers_uuid7(), accepted.organization_id, accepted.id, accepted.type, endpoint.id, 'pending', 0, 0,
            now(), false, false, '', now()
        FROM accepted
        JOIN deliveries_endpoint AS endpoint
            ON endpoint.organization_id = accepted.organization_id AND endpoint.deleted_at IS NULL
            AND {WANTED.format(type="accepted.type")}
    """,
)

# For an event of which the caller makes the deliveries.
TO_NOBODY = FanOut(reachable="true", wanted="true", insert="SELECT 1")

"""What a receiver gets: the body and the headers of one attempt (Standard Webhooks 1.0.0)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from deliveries.claim import Claimed
from deliveries.signing import signature

OF_EVERY_REQUEST = {"Accept": "*/*", "Accept-Encoding": "identity"}


def message_body(delivery: Claimed) -> bytes:
    """`{"id", "type", "timestamp", "data"}`. The payload goes from the table to the wire as text."""
    return (
        f'{{"id":"{delivery.event_id}","type":"{delivery.event_type}",'
        f'"timestamp":"{rfc3339(delivery.event_created_at)}","data":{delivery.payload}}}'
    ).encode()


def message_headers(
    delivery: Claimed,
    body: bytes,
    *,
    keys: Iterable[bytes],
    timestamp: int,
    user_agent: str,
    custom: Mapping[str, str],
    traceparent: str | None = None,
) -> dict[str, str]:
    """Ours come last: whatever `custom` holds, it can't take their place."""
    event_id = delivery.event_id
    headers = {
        **custom,
        "Content-Type": "application/json",
        "User-Agent": user_agent,
        "X-Event-ID": event_id,
        "X-Event-Type": delivery.event_type,
        "X-Delivery-ID": delivery.id,
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(keys, message_id=event_id, timestamp=timestamp, body=body),
        "webhook-attempt": str(delivery.claim),
    }
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return {**headers, "webhook-test": "true"} if delivery.test else headers


def user_agent(version: str) -> str:
    return f"Triggers/{version}"


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

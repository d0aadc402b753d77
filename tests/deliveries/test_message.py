import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from deliveries.claim import Claimed
from deliveries.message import message_body, message_headers, rfc3339
from deliveries.secrets import secret_bytes

EVENT_ID, DELIVERY_ID = str(uuid.uuid4()), str(uuid.uuid4())
KEYS = [secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
DELIVERY = Claimed(
    id=DELIVERY_ID,
    organization_id=str(uuid.uuid4()),
    event_id=EVENT_ID,
    event_type="order.created",
    endpoint_id=str(uuid.uuid4()),
    claim=3,
    lost_claims=0,
    attempts=1,
    test=False,
    manual=False,
    url="http://receiver.example/",
    revision=1,
    probed=False,
    payload='{"n": 1.50, "🦊": 18446744073709551616}',
    event_created_at=datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC),
    claimed_at=datetime(2026, 1, 31, 12, 0, 1, tzinfo=UTC),
)


def headers_of(delivery: Claimed, custom: dict[str, str] | None = None) -> dict[str, str]:
    agent = "Triggers/1.2.3"
    return message_headers(
        delivery, b"{}", keys=KEYS, timestamp=1769860801, user_agent=agent, custom=custom or {}
    )


def test_the_body_names_the_event_and_carries_the_payload_as_it_is() -> None:
    assert message_body(DELIVERY).decode() == (
        f'{{"id":"{EVENT_ID}","type":"order.created","timestamp":"2026-01-31T12:00:00.250000Z",'
        '"data":{"n": 1.50, "🦊": 18446744073709551616}}'
    )


@pytest.mark.parametrize("payload", ["null", '"text"', "[]", "0"])
def test_the_body_is_json_whatever_the_payload(payload: str) -> None:
    assert json.loads(message_body(replace(DELIVERY, payload=payload)))["data"] == json.loads(payload)


def test_the_headers_are_these() -> None:
    assert headers_of(DELIVERY) == {
        "Content-Type": "application/json",
        "User-Agent": "Triggers/1.2.3",
        "X-Event-ID": EVENT_ID,
        "X-Event-Type": "order.created",
        "X-Delivery-ID": DELIVERY_ID,
        "webhook-id": EVENT_ID,
        "webhook-timestamp": "1769860801",
        "webhook-signature": headers_of(DELIVERY)["webhook-signature"],
        "webhook-attempt": "3",
    }


def test_a_test_says_so() -> None:
    assert headers_of(replace(DELIVERY, test=True))["webhook-test"] == "true"


def test_times_are_in_utc() -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(moment) == "2026-01-31T11:00:00Z"


def test_headers_of_the_tenants_own_are_sent_along() -> None:
    assert headers_of(DELIVERY, {"Authorization": "Bearer 1"}) == {
        "Authorization": "Bearer 1",
        **headers_of(DELIVERY),
    }


def test_they_can_not_take_the_place_of_ours() -> None:
    assert headers_of(DELIVERY, {"webhook-id": "another"}) == headers_of(DELIVERY)

import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from deliveries.secrets import new_secret, secret_bytes
from deliveries.signing import signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_vector_of_standard_webhooks() -> None:
    assert (
        signature([secret_bytes(SECRET)], message_id=MESSAGE_ID, timestamp=TIMESTAMP, body=BODY) == SIGNATURE
    )


def test_each_key_signs_with_one_space_between() -> None:
    keys = [secret_bytes(SECRET), secret_bytes(new_secret())]
    signatures = signature(keys, message_id=MESSAGE_ID, timestamp=TIMESTAMP, body=BODY).split(" ")
    assert signatures[0] == SIGNATURE
    assert [one[:3] for one in signatures] == ["v1,", "v1,"]


@pytest.mark.parametrize("position", [0, 1])
def test_the_official_library_verifies_with_either_secret(position: int) -> None:
    secrets, now = [new_secret(), new_secret()], int(time.time())
    headers = {
        "webhook-id": "a.b",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(
            map(secret_bytes, secrets), message_id="a.b", timestamp=now, body=BODY
        ),
    }
    assert Webhook(secrets[position]).verify(BODY, headers) == json.loads(BODY)


@pytest.mark.parametrize("changed", ["body", "id", "timestamp", "secret"])
def test_the_official_library_notices_every_change(changed: str) -> None:
    secret, now = new_secret(), int(time.time())
    signed = signature([secret_bytes(secret)], message_id="msg", timestamp=now, body=BODY)
    headers = {
        "webhook-id": "other" if changed == "id" else "msg",
        "webhook-timestamp": str(now + (changed == "timestamp")),
        "webhook-signature": signed,
    }
    webhook = Webhook(new_secret() if changed == "secret" else secret)
    with pytest.raises(WebhookVerificationError):
        webhook.verify(BODY + (b" " if changed == "body" else b""), headers)

"""`manage.py receive`: the desk's own receiver, as far as it can be asked without a port."""

import json
import time

import pytest

from deliveries.secrets import new_secret, secret_bytes
from deliveries.signing import signature
from triggers_project.management.commands.receive import line_for, signature_fits

BODY = json.dumps({"id": "evt", "type": "order.created", "timestamp": "", "data": 1}).encode()


@pytest.mark.parametrize("given", ["right", "wrong", "missing"])
def test_it_knows_a_signature_that_fits(given: str) -> None:
    secret, now = new_secret(), int(time.time())
    signed = signature([secret_bytes(secret)], message_id="evt", timestamp=now, body=BODY)
    headers = {"Webhook-Id": "evt", "Webhook-Timestamp": str(now), "Webhook-Signature": signed}
    if given == "missing":
        del headers["Webhook-Signature"]
    asked = secret if given != "wrong" else new_secret()
    assert signature_fits(asked, BODY, headers) is (given == "right")


def test_it_says_what_came() -> None:
    assert line_for(BODY, True, "2") == "received order.created evt (attempt 2, signature verified)"
    assert line_for(b"garbage", False, "2") == "refused a webhook whose signature does not fit"

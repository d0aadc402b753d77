"""The official JavaScript library of Standard Webhooks verifies what arrives (tests/javascript/README.md)."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deliveries.endpoints import current_secret
from deliveries.rotation import rotate_secret
from deliveries.secrets import new_secret
from organizations.models import Organization
from tests.deliveries.engine_room import SendOne, run_engine
from tests.deliveries.receiver import Request, answers, receiving
from tests.factories import make_delivery, make_endpoint, make_event

NODE = shutil.which("node")
JAVASCRIPT = Path(__file__).parents[1] / "javascript"

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed, and the library needs it")


def verified(asked: list[tuple[str, Request]]) -> list[bool]:
    questions = [
        {"secret": secret, "body": request.body.decode(), "headers": request.headers}
        for secret, request in asked
    ]
    done = subprocess.run(
        [str(NODE), str(JAVASCRIPT / "verify.js")],
        env={"NODE_PATH": str(JAVASCRIPT)},
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[bool] = json.loads(done.stdout)
    return found


def test_it_verifies_what_arrives_and_notices_every_change(send_one: SendOne) -> None:
    delivery, (request,) = send_one(answers(204))
    secret = current_secret(delivery.endpoint)
    other = str(int(request.headers["webhook-timestamp"]) + 1)
    changed = [
        replace(request, headers={**request.headers, "webhook-timestamp": other}),
        replace(request, headers={**request.headers, "webhook-id": "another"}),
        replace(request, body=request.body + b" "),
    ]
    asked = [(secret, request), (new_secret(), request), *((secret, change) for change in changed)]
    assert verified(asked) == [True, False, False, False, False]


@pytest.mark.parametrize(
    "payload", ["ä😀\u2028</script>", 12345678901234567890, 1e-7, {"": [None, True]}], ids=repr
)
def test_it_verifies_any_payload(committed_organization: Organization, payload: object) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        make_delivery(endpoint, event=make_event(committed_organization, payload=payload))
        run_engine()
    assert verified([(current_secret(endpoint), receiver.requests[0])]) == [True]


def test_while_a_secret_is_exchanged_it_verifies_with_both(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        old = current_secret(endpoint)
        rotate_secret(endpoint, grace=timedelta(hours=1))
        make_delivery(endpoint)
        run_engine()
    (request,) = receiver.requests
    assert verified([(old, request), (current_secret(endpoint), request)]) == [True, True]

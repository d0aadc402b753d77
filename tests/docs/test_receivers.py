"""What docs/receiving.md shows works, in each language that is installed: real programs, asked over HTTP."""

import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deliveries.secrets import new_secret, secret_bytes
from deliveries.signing import signature
from tests.deliveries.engine_room import run_engine
from tests.docs.receivers import SECRET, Language, Running, each_language, end, running, start
from tests.factories import make_delivery, make_endpoint, make_organization
from triggers_project.local.embedded import free_port, port_is_free

BODY = '{"id":"…","type":"order.created","timestamp":"2026-01-31T12:00:00Z","data":{"total": 1.50}}'.encode()
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


@pytest.fixture(scope="module", params=each_language())
def receiver(request: pytest.FixtureRequest) -> Iterator[Running]:
    with running(request.param) as receiver:
        yield receiver


def signed(body: bytes = BODY, *secrets: str, age: int = 0, message_id: str = "") -> dict[str, str]:
    """The headers of an attempt `age` seconds ago."""
    keys = [secret_bytes(secret) for secret in secrets or (SECRET,)]
    return signed_with(keys, body, age=age, message_id=message_id or str(uuid.uuid4()))


def signed_with(keys: list[bytes], body: bytes, *, age: int, message_id: str) -> dict[str, str]:
    timestamp = int(time.time()) - age
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(keys, message_id=message_id, timestamp=timestamp, body=body),
    }


def test_what_is_sent_arrives(receiver: Running, committed: None) -> None:
    endpoint = make_endpoint(make_organization(), url=receiver.url, secret=SECRET)
    delivery = make_delivery(endpoint)
    run_engine()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_status_code) == ("delivered", 204)
    assert b'"data":{"n": 1}' in receiver.stored()[str(delivery.event_id)]


def test_a_good_one_is_stored_as_it_came(receiver: Running) -> None:
    headers = signed()
    assert receiver.post(headers, BODY) == 204
    assert receiver.stored()[headers["webhook-id"]] == BODY


def test_one_that_comes_again_is_welcome_and_stored_once(receiver: Running) -> None:
    first = signed()
    again = signed(message_id=first["webhook-id"], age=3, body=b"{}")
    assert [receiver.post(first, BODY), receiver.post(again, b"{}")] == [204, 204]
    assert receiver.stored()[first["webhook-id"]] == BODY


@pytest.mark.parametrize("which", [0, 1])
def test_either_of_two_signatures_will_do(receiver: Running, which: int) -> None:
    """As while a secret is exchanged."""
    secrets = [new_secret(), new_secret()]
    secrets[which] = SECRET
    headers = signed(BODY, *secrets)
    assert receiver.post(headers, BODY) == 204
    assert headers["webhook-id"] in receiver.stored()


def refused() -> dict[str, tuple[dict[str, str], bytes]]:
    good = signed()
    return {
        "another body": (good, BODY + b" "),
        "another id": ({**good, "webhook-id": "another"}, BODY),
        "another secret": (signed(BODY, new_secret()), BODY),
        "too old": (signed(age=400), BODY),
        "from the future": (signed(age=-400), BODY),
        "the vector, years ago": (VECTOR, b'{"test": 2432232314}'),
        "another timestamp": ({**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) - 1)}, BODY),
        "no timestamp": ({**good, "webhook-timestamp": "soon"}, BODY),
        "an endless timestamp": ({**good, "webhook-timestamp": "9" * 30}, BODY),
        "no id": ({name: good[name] for name in good if name != "webhook-id"}, BODY),
        "no signature": ({name: good[name] for name in good if name != "webhook-signature"}, BODY),
        "nothing": ({}, BODY),
        "garbage": ({**good, "webhook-signature": "v1, v2,\xff v1,AAAA"}, BODY),
        "half a signature": ({**good, "webhook-signature": good["webhook-signature"][:20]}, BODY),
    }


def test_all_else_is_refused_and_not_stored(receiver: Running) -> None:
    before = receiver.stored()
    answers = {name: receiver.post(headers, body) for name, (headers, body) in refused().items()}
    assert answers == dict.fromkeys(refused(), 401)
    assert receiver.stored() == before


@pytest.mark.parametrize("language", each_language())
def test_without_a_secret_nothing_is_accepted(language: Language) -> None:
    """An empty key signs, too: anybody's signature would fit."""
    forged = signed_with([b""], BODY, age=0, message_id="forged")
    with tempfile.TemporaryDirectory(prefix="triggers-docs-") as name:
        folder, port = Path(name), free_port()
        process = start(language, folder, port=port, secret="")
        try:
            while process.poll() is None and port_is_free(port):
                time.sleep(0.05)
            if process.poll() is None:
                assert Running(port, folder, process).post(forged, BODY) == 401
        finally:
            end(process)

"""Headers and the pace of an endpoint, from the API to the wire."""

from types import SimpleNamespace

import pytest

from deliveries.custom_headers import fault_of
from deliveries.models import Endpoint
from organizations.models import Organization
from tests.calls import Caller, pointers
from tests.deliveries.engine_room import SendOne, run_engine
from tests.deliveries.receiver import answers, receiving
from tests.factories import SOMEWHERE, make_delivery, make_endpoint, make_key

ENDPOINTS = "/api/endpoints"
HEADERS = {"Authorization": "Bearer s3cret", "X-Tenant": "a b\tc"}


def test_they_are_kept_encrypted_and_shown_to_who_may_change_them(acme: SimpleNamespace) -> None:
    made = acme.api.post(ENDPOINTS, {"url": SOMEWHERE, "headers": HEADERS}).json()
    assert made["headers"] == HEADERS
    assert "s3cret" not in Endpoint.objects.get().encrypted_headers
    reader = Caller(make_key(acme.organization, scopes=["events:read"]))
    hidden = {"Authorization": "***", "X-Tenant": "***"}
    path = f"{ENDPOINTS}/{made['id']}"
    assert (acme.api.get(path).json()["headers"], reader.get(path).json()["headers"]) == (HEADERS, hidden)
    lists = [caller.get(ENDPOINTS).json()["items"][0]["headers"] for caller in (acme.api, reader)]
    assert lists == [HEADERS, hidden]


def test_they_are_changed_as_a_whole(acme: SimpleNamespace) -> None:
    path = f"{ENDPOINTS}/{make_endpoint(acme.organization, headers=HEADERS).pk}"
    assert acme.api.patch(path, {"description": "x"}).json()["headers"] == HEADERS
    assert acme.api.patch(path, {"headers": {"A": "1"}}).json()["headers"] == {"A": "1"}
    assert acme.api.patch(path, {"headers": {}}).json()["headers"] == {}
    assert Endpoint.objects.get().encrypted_headers == ""


@pytest.mark.parametrize(
    "name",
    "Host host Content-Type content-length Transfer-Encoding Connection User-Agent webhook-id Webhook-Signature"
    " webhook-anything X-Event-ID X-Event-Type X-Delivery-ID Cookie Proxy-Authorization Expect Accept-Encoding".split(),
)
def test_ours_can_not_be_set(name: str) -> None:
    assert fault_of(name, "x") == "This header is set by us."


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a:", "a\r\nb", "ä", "a\x00", "n" * 101, "a\n", "(a)"],
    ids=lambda name: ascii(name)[:12],
)
def test_what_is_no_name_can_not_be_set(name: str) -> None:
    assert fault_of(name, "x") is not None


@pytest.mark.parametrize(
    "value",
    ["", " a", "a ", "a\r\nb: c", "a\n", "ä", "a\x00", "\ta", "v" * 1_001],
    ids=lambda value: ascii(value)[:12],
)
def test_what_is_no_value_can_not_be_set(value: str) -> None:
    assert fault_of("X-Mine", value) is not None


@pytest.mark.parametrize(
    ("headers", "pointer"),
    [
        ({"a": "1", "webhook-id": "x"}, "#/headers/webhook-id"),
        ({"a/b": "1"}, "#/headers/a~1b"),
        ({"a": "1\r\nb: 2"}, "#/headers/a"),
        ({"a": "1", "A": "2"}, "#/headers"),
        ({f"h{number}": "1" for number in range(21)}, "#/headers"),
        ({"a": None}, "#/headers/a"),
        ("a: 1", "#/headers"),
        (None, "#/headers"),
    ],
    ids="ours slash injected twice many null text none".split(),
)
def test_what_does_not_fit_changes_nothing(acme: SimpleNamespace, headers: object, pointer: str) -> None:
    endpoint = make_endpoint(acme.organization, headers=HEADERS)
    before = Endpoint.objects.values().get()
    for response in (
        acme.api.post(ENDPOINTS, {"url": SOMEWHERE, "headers": headers}),
        acme.api.patch(f"{ENDPOINTS}/{endpoint.pk}", {"headers": headers}),
    ):
        assert (response.status_code, pointers(response)) == (422, [pointer])
    assert Endpoint.objects.values().get() == before


def test_they_go_out_with_every_delivery(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url, headers=HEADERS)
        make_delivery(endpoint)
        run_engine()
    (request,) = receiver.requests
    assert {name: request.headers[name.lower()] for name in HEADERS} == HEADERS


def test_without_their_key_nothing_is_sent_without_them(
    send_one: SendOne, committed_organization: Organization
) -> None:
    with receiving(answers(204)) as receiver:
        make_delivery(make_endpoint(committed_organization, url=receiver.url, encrypted_headers="garbage"))
        run_engine()
    assert receiver.requests == []


@pytest.mark.parametrize("pace", [1, 10_000, None])
def test_a_pace_is_set_and_shown(acme: SimpleNamespace, pace: int | None) -> None:
    made = acme.api.post(ENDPOINTS, {"url": SOMEWHERE, "max_per_second": pace}).json()
    assert (made["max_per_second"], Endpoint.objects.get().max_per_second) == (pace, pace)


@pytest.mark.parametrize("pace", [0, -1, 10_001, 1.5, "many", [], True], ids=str)
def test_what_is_no_pace_is_refused(acme: SimpleNamespace, pace: object) -> None:
    response = acme.api.post(ENDPOINTS, {"url": SOMEWHERE, "max_per_second": pace})
    assert (response.status_code, pointers(response)) == (422, ["#/max_per_second"])


def test_a_pace_is_taken_off(acme: SimpleNamespace) -> None:
    path = f"{ENDPOINTS}/{make_endpoint(acme.organization, max_per_second=5).pk}"
    assert acme.api.patch(path, {"max_per_second": None}).json()["max_per_second"] is None


def test_health_shows_the_circuit(acme: SimpleNamespace) -> None:
    path = f"{ENDPOINTS}/{make_endpoint(acme.organization).pk}"
    assert acme.api.get(path).json()["health"] == {
        "consecutive_failures": 0,
        "last_success_at": None,
        "last_failure_at": None,
        "circuit": "closed",
    }

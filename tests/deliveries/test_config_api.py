"""/api/webhook/config: the default endpoint."""

import uuid
from types import SimpleNamespace

import pytest

from deliveries.models import Delivery, Endpoint, EndpointSecret
from deliveries.secrets import secret_bytes
from organizations.models import Organization
from tests.calls import Caller, pointers
from tests.concurrency import at_once
from tests.factories import SOMEWHERE, make_delivery, make_endpoint, make_key

CONFIG = "/api/webhook/config"
ELSEWHERE = "https://1.1.1.1/hooks"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def the_default(tenant: SimpleNamespace) -> Endpoint:
    return Endpoint.objects.of(tenant.organization).default().get()


def test_it_makes_the_default_endpoint(acme: SimpleNamespace) -> None:
    response = acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    endpoint = the_default(acme)
    secret = response.json()["secret"]
    assert response.status_code == 200
    assert response.json() == {
        "webhook_url": SOMEWHERE,
        "endpoint_id": str(endpoint.pk),
        "event_types": [],
        "secret": secret,
    }
    assert len(secret_bytes(secret)) == 32
    assert (endpoint.url, endpoint.state, endpoint.event_types) == (SOMEWHERE, "enabled", [])


def test_it_can_be_read_without_its_secret(acme: SimpleNamespace) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE, "event_types": ["order.*"]})
    response = acme.api.get(CONFIG)
    assert (response.status_code, response.json()) == (
        200,
        {"webhook_url": SOMEWHERE, "endpoint_id": str(the_default(acme).pk), "event_types": ["order.*"]},
    )


def test_none_is_a_404(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization)
    response = acme.api.get(CONFIG)
    assert (response.status_code, response.json()["code"]) == (404, "no_endpoint")


def test_the_second_time_it_is_changed_and_keeps_its_secret(acme: SimpleNamespace) -> None:
    first = acme.api.post(CONFIG, {"webhook_url": SOMEWHERE, "event_types": ["order.*"]}).json()
    second = acme.api.post(CONFIG, {"webhook_url": ELSEWHERE}).json()
    assert second == {**first, "webhook_url": ELSEWHERE}
    assert Endpoint.objects.count() == 1
    assert the_default(acme).url == ELSEWHERE


def test_another_url_enables_what_was_disabled(acme: SimpleNamespace) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    Endpoint.objects.update(state="disabled", disabled_reason="Gone.")
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    assert the_default(acme).state == "disabled"
    acme.api.post(CONFIG, {"webhook_url": ELSEWHERE})
    assert (the_default(acme).state, the_default(acme).disabled_reason) == ("enabled", "")


def test_another_url_does_not_resume_what_was_paused(acme: SimpleNamespace) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    Endpoint.objects.update(state="paused")
    acme.api.post(CONFIG, {"webhook_url": ELSEWHERE})
    assert the_default(acme).state == "paused"


def test_what_is_given_is_changed(acme: SimpleNamespace) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE, "event_types": ["order.*"]})
    answer = acme.api.post(CONFIG, {"webhook_url": SOMEWHERE, "event_types": [], "secret": SECRET}).json()
    assert (answer["event_types"], answer["secret"]) == ([], SECRET)
    assert EndpointSecret.objects.count() == 1


def test_a_change_makes_senders_look_again(acme: SimpleNamespace) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    before = the_default(acme).revision
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE, "secret": SECRET})
    assert the_default(acme).revision > before


@pytest.mark.parametrize("secret", ["secret", "whsec_", "whsec_!!!!", "whsec_AAAA", "", None, 5])
def test_a_secret_that_does_not_fit_changes_nothing(acme: SimpleNamespace, secret: object) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE, "secret": SECRET})
    response = acme.api.post(CONFIG, {"webhook_url": ELSEWHERE, "secret": secret})
    assert (response.status_code, response.json()["code"], pointers(response)) == (
        422,
        "invalid_body",
        ["#/secret"],
    )
    assert the_default(acme).url == SOMEWHERE


def test_a_secret_that_does_not_fit_makes_no_endpoint(acme: SimpleNamespace) -> None:
    assert acme.api.post(CONFIG, {"webhook_url": SOMEWHERE, "secret": "whsec_AAAA"}).status_code == 422
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/webhook_url"),
        ({"webhook_url": 5.5}, None),
        ({"webhook_url": ["http://93.184.215.14/"]}, "#/webhook_url"),
        ({"webhook_url": ""}, "#/webhook_url"),
        ({"webhook_url": "http://93.184.215.14/" + "a" * 2048}, "#/webhook_url"),
        ({"webhook_url": SOMEWHERE, "event_types": "order"}, "#/event_types"),
        ({"webhook_url": SOMEWHERE, "event_types": ["a", "order.**"]}, "#/event_types/1"),
        ({"webhook_url": SOMEWHERE, "event_types": ["*"]}, "#/event_types/0"),
        ({"webhook_url": SOMEWHERE, "event_types": [""]}, "#/event_types/0"),
        ({"webhook_url": SOMEWHERE, "event_types": ["order\ncreated"]}, "#/event_types/0"),
        ({"webhook_url": SOMEWHERE, "event_types": ["a"] * 101}, "#/event_types"),
        ([], "#"),
    ],
)
def test_what_does_not_fit_makes_no_endpoint(
    acme: SimpleNamespace, body: object, pointer: str | None
) -> None:
    response = acme.api.post(CONFIG, body)
    assert response.status_code == 422
    assert pointer is None or pointers(response) == [pointer]
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://u:p@93.184.215.14/", "ftp://93.184.215.14/"])
def test_a_url_that_may_not_be_called_changes_nothing(acme: SimpleNamespace, url: str) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    response = acme.api.post(CONFIG, {"webhook_url": url})
    assert (response.status_code, response.json()["code"]) == (422, "forbidden_target")
    assert the_default(acme).url == SOMEWHERE


# --- Inbox only ---------------------------------------------------------------------------------------------------


def test_null_means_inbox_only(acme: SimpleNamespace) -> None:
    response = acme.api.post(CONFIG, {"webhook_url": None})
    assert response.status_code == 200
    assert response.json() == {"webhook_url": None, "endpoint_id": None, "event_types": [], "secret": None}
    event = acme.api.post("/api/events", {"type": "a", "payload": 1})
    assert event.status_code == 202
    assert [item["id"] for item in acme.api.get("/api/inbox").json()["items"]] == [event.json()["id"]]


def test_null_with_a_secret_that_is_none_changes_nothing(acme: SimpleNamespace) -> None:
    response = acme.api.post(CONFIG, {"webhook_url": None, "secret": "whsec_*"})
    assert (response.status_code, pointers(response)) == (422, ["#/secret"])
    acme.organization.refresh_from_db()
    assert acme.organization.inbox_only is False


def test_null_deletes_the_default_and_cancels_what_was_still_to_be_sent(acme: SimpleNamespace) -> None:
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    delivery = make_delivery(the_default(acme))
    acme.api.post(CONFIG, {"webhook_url": None})
    assert acme.api.get(CONFIG).status_code == 404
    assert Delivery.objects.get(pk=delivery.pk).status == "canceled"


def test_null_leaves_other_endpoints_alone(acme: SimpleNamespace) -> None:
    other = make_endpoint(acme.organization)
    acme.api.post(CONFIG, {"webhook_url": None})
    assert Endpoint.objects.present().get() == other


def test_a_url_ends_inbox_only(acme: SimpleNamespace) -> None:
    acme.api.post(CONFIG, {"webhook_url": None})
    acme.api.post(CONFIG, {"webhook_url": SOMEWHERE})
    assert Organization.objects.get().inbox_only is False


def test_without_the_scope_nothing_changes(acme: SimpleNamespace) -> None:
    reader = Caller(make_key(acme.organization, scopes=["events:read", "events:write", "keys:write"]))
    assert reader.post(CONFIG, {"webhook_url": SOMEWHERE}).status_code == 403
    assert not Endpoint.objects.exists()


def test_many_at_once_make_one_default(committed_acme: SimpleNamespace) -> None:
    key = committed_acme.key
    urls = [f"http://93.184.215.14/{number}" for number in range(12)]
    responses = at_once([lambda url=url: Caller(key).post(CONFIG, {"webhook_url": url}) for url in urls])
    assert [response.status_code for response in responses] == [200] * 12
    assert len({response.json()["endpoint_id"] for response in responses}) == 1
    assert len({response.json()["secret"] for response in responses}) == 1
    assert uuid.UUID(responses[0].json()["endpoint_id"]) == Endpoint.objects.get().pk

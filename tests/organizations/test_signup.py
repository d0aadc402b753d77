"""POST /api/keys/generate"""

import uuid

import pytest

from deliveries.models import Endpoint
from organizations.key_format import take_apart
from organizations.models import ApiKey, Organization
from tests.calls import Caller, pointers
from tests.factories import SOMEWHERE

GENERATE = "/api/keys/generate"
pytestmark = pytest.mark.django_db


def test_sign_up_makes_a_tenant_of_the_free_tier_and_its_first_key(anyone: Caller) -> None:
    answer = anyone.post(GENERATE, {"organization_name": "Acme"})
    organization, key = Organization.objects.get(), ApiKey.objects.get()
    parts = take_apart(answer.json()["api_key"])
    created = organization.created_at.isoformat().replace("+00:00", "Z")
    assert answer.status_code == 201
    assert parts is not None
    assert parts.public_id == key.public_id
    assert answer.json() == {
        "api_key": answer.json()["api_key"],
        "key": {
            "id": str(key.pk),
            "name": "default",
            "prefix": f"trg_{key.public_id}",
            "scopes": ["events:write", "events:read", "endpoints:write", "keys:write"],
            "created_at": key.created_at.isoformat().replace("+00:00", "Z"),
            "last_used_at": None,
            "expires_at": None,
            "revoked_at": None,
        },
        "organization": {
            "id": str(organization.pk),
            "name": "Acme",
            "tier": "free",
            "rate_limit_per_minute": 100,
            "created_at": created,
        },
    }


def test_ids_are_uuids_of_version_7(anyone: Caller) -> None:
    answer = anyone.post(GENERATE, {"organization_name": "Acme"}).json()
    assert uuid.UUID(answer["organization"]["id"]).version == 7
    assert uuid.UUID(answer["key"]["id"]).version == 7


def test_the_key_it_hands_over_works(anyone: Caller) -> None:
    key = anyone.post(GENERATE, {"organization_name": "Acme"}).json()["api_key"]
    assert Caller(key).get("/api/keys").json()["organization"]["name"] == "Acme"


def test_the_key_itself_is_not_stored(anyone: Caller) -> None:
    text = anyone.post(GENERATE, {"organization_name": "Acme"}).json()["api_key"]
    row = ApiKey.objects.values().get()
    parts = take_apart(text)
    assert parts is not None
    assert parts.secret not in str(row)
    assert row["secret_hash"].startswith("$2b$04$")


def test_a_tier_can_not_be_asked_for(anyone: Caller) -> None:
    answer = anyone.post(GENERATE, {"organization_name": "Acme", "tier": "enterprise"})
    assert answer.json()["organization"]["tier"] == "free"


def test_a_webhook_url_becomes_the_default_endpoint(anyone: Caller) -> None:
    anyone.post(GENERATE, {"organization_name": "Acme", "webhook_url": SOMEWHERE})
    endpoint = Endpoint.objects.get()
    assert (endpoint.url, endpoint.is_default) == (SOMEWHERE, True)


def test_a_webhook_url_that_may_not_be_called_makes_no_tenant(anyone: Caller) -> None:
    answer = anyone.post(GENERATE, {"organization_name": "Acme", "webhook_url": "http://10.0.0.1/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "forbidden_target")
    assert not Organization.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"organization_name": ""},
        {"organization_name": "   "},
        {"organization_name": None},
        {"organization_name": ["Acme"]},
        {"organization_name": "A" * 201},
        {"organization_name": "A\x00cme"},
        {"organization_name": "A\x1b[2Jcme"},
        {"organization_name": "A\ncme"},
        {"organization_name": "A\u202ecme"},
    ],
)
def test_a_name_that_does_not_fit_is_refused(anyone: Caller, body: dict[str, object]) -> None:
    answer = anyone.post(GENERATE, body)
    assert (answer.status_code, pointers(answer)) == (422, ["#/organization_name"])
    assert not Organization.objects.exists()


@pytest.mark.parametrize("name", ["A", "A" * 200, "Ünïcode 🦊"])
def test_a_name_has_1_to_200_characters(anyone: Caller, name: str) -> None:
    assert anyone.post(GENERATE, {"organization_name": name}).status_code == 201
    assert Organization.objects.get().name == name


def test_closed_sign_up_makes_no_tenant(anyone: Caller, settings: pytest.FixtureDef) -> None:
    settings.SIGNUP_OPEN = False
    answer = anyone.post(GENERATE, {"organization_name": "Acme"})
    assert (answer.status_code, answer.json()["code"]) == (403, "signup_closed")
    assert not Organization.objects.exists()


def test_one_address_can_not_sign_up_without_end(anyone: Caller, settings: pytest.FixtureDef) -> None:
    settings.SIGNUPS_PER_HOUR = 2
    statuses = [anyone.post(GENERATE, {"organization_name": str(n)}).status_code for n in range(3)]
    assert statuses == [201, 201, 429]
    assert Organization.objects.count() == 2


def test_too_many_sign_ups_are_told_when_to_come_back(anyone: Caller, settings: pytest.FixtureDef) -> None:
    settings.SIGNUPS_PER_HOUR = 1
    anyone.post(GENERATE, {"organization_name": "first"})
    answer = anyone.post(GENERATE, {"organization_name": "second"})
    assert answer.json()["code"] == "rate_limited"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600


def test_sign_ups_are_counted_for_each_address(settings: pytest.FixtureDef) -> None:
    settings.SIGNUPS_PER_HOUR = 1
    Caller().client.post(GENERATE, {"organization_name": "1"}, content_type="application/json")
    other = Caller().client.post(
        GENERATE, {"organization_name": "2"}, content_type="application/json", REMOTE_ADDR="203.0.113.9"
    )
    assert other.status_code == 201


def test_without_redis_sign_up_goes_on(anyone: Caller, no_redis: None, settings: pytest.FixtureDef) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": settings.REDIS_URL}}
    assert anyone.post(GENERATE, {"organization_name": "Acme"}).status_code == 201

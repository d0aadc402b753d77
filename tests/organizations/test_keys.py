from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from organizations.errors import KeyEnded, LastKey, TooManyKeys
from organizations.keys import create_key, revoke_key, rotate_key
from organizations.models import ApiKey
from tests.concurrency import at_once
from tests.factories import make_key


def test_of_two_keys_deleted_at_once_one_stays(committed_acme: SimpleNamespace) -> None:
    organization = committed_acme.organization
    make_key(organization)
    one, other = ApiKey.objects.of(organization)
    outcomes = at_once([lambda: revoke_key(organization, one.pk), lambda: revoke_key(organization, other.pk)])
    assert sorted(type(outcome) for outcome in outcomes if outcome is not None) == [LastKey]
    assert ApiKey.objects.of(organization).valid().count() == 1


def test_of_many_rotations_of_a_key_at_once_one_makes_a_new_one(committed_acme: SimpleNamespace) -> None:
    key = ApiKey.objects.get()
    outcomes = at_once([lambda: rotate_key(key, grace=timedelta(0))[0]] * 6)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, KeyEnded) for outcome in outcomes) == 5
    assert ApiKey.objects.valid().count() == 1


@pytest.mark.parametrize(("path", "body"), [("/api/keys/rotate", {}), ("/api/keys", {"name": "successor"})])
def test_a_key_that_has_just_ended_makes_no_successor_where_it_is_still_known(
    acme: SimpleNamespace, path: str, body: dict[str, str]
) -> None:
    acme.api.get("/api/keys")
    ApiKey.objects.update(revoked_at=Now())
    response = acme.api.post(path, body)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert ApiKey.objects.count() == 1


def test_of_many_keys_made_at_once_no_more_than_the_limit_are(
    committed_acme: SimpleNamespace, settings: pytest.FixtureDef
) -> None:
    settings.KEYS_PER_ORGANIZATION = 3
    key = ApiKey.objects.get()
    outcomes = at_once([lambda: create_key(key, name="n")[0]] * 6)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, TooManyKeys) for outcome in outcomes) == 4
    assert ApiKey.objects.valid().count() == 3


def test_keys_made_rotated_and_revoked_at_once_never_wait_for_each_other_for_ever(
    committed_acme: SimpleNamespace,
) -> None:
    organization = committed_acme.organization
    for _ in range(5):
        make_key(organization)
        key, other = ApiKey.objects.of(organization).valid()[:2]
        outcomes = at_once(
            [
                lambda key=key: create_key(key, name="n"),
                lambda key=key: rotate_key(key, grace=timedelta(0)),
                lambda key=key: revoke_key(organization, key.pk),
                lambda other=other: revoke_key(organization, other.pk),
            ]
        )
        assert [outcome for outcome in outcomes if isinstance(outcome, OperationalError)] == []

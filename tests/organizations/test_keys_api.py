"""/api/keys: list, make, rotate, delete."""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from organizations import verification
from organizations.key_format import take_apart
from organizations.models import ApiKey
from tests.calls import Caller, pointers
from tests.factories import ago, ahead, make_key


def row_of(text: str) -> ApiKey:
    parts = take_apart(text)
    assert parts is not None
    return ApiKey.objects.get(public_id=parts.public_id)


def works(text: str) -> bool:
    """Whether a process that has never seen the key lets it in."""
    verification.forget_all()
    return Caller(text).get("/api/keys").status_code == 200


# --- List ---------------------------------------------------------------------------------------------------------


def test_the_list_shows_all_keys_of_the_tenant_newest_first(acme: SimpleNamespace) -> None:
    second = row_of(make_key(acme.organization, name="second"))
    answer = acme.api.get("/api/keys").json()
    assert [key["id"] for key in answer["keys"]] == [str(second.pk), str(row_of(acme.key).pk)]
    assert answer["organization"]["id"] == str(acme.organization.pk)


def test_the_list_shows_no_secret(acme: SimpleNamespace) -> None:
    parts = take_apart(acme.key)
    assert parts is not None
    content = acme.api.get("/api/keys").content.decode()
    assert parts.secret not in content
    assert row_of(acme.key).secret_hash not in content


def test_the_list_shows_nobody_elses_keys(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    assert [key["id"] for key in acme.api.get("/api/keys").json()["keys"]] == [str(row_of(acme.key).pk)]


# --- Make ---------------------------------------------------------------------------------------------------------


def test_a_tenant_makes_another_key(acme: SimpleNamespace) -> None:
    ends = "2199-01-31T12:00:00Z"
    answer = acme.api.post("/api/keys", {"name": "reader", "scopes": ["events:read"], "expires_at": ends})
    key = answer.json()["key"]
    assert answer.status_code == 201
    assert (key["name"], key["scopes"], key["expires_at"]) == ("reader", ["events:read"], ends)
    assert works(answer.json()["api_key"])


def test_a_key_without_named_scopes_has_all(acme: SimpleNamespace) -> None:
    answer = acme.api.post("/api/keys", {"name": "all"}).json()
    assert answer["key"]["scopes"] == ["events:write", "events:read", "endpoints:write", "keys:write"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/name"),
        ({"name": ""}, "#/name"),
        ({"name": "n" * 101}, "#/name"),
        ({"name": "n\x1b[2J"}, "#/name"),
        ({"name": "n", "scopes": []}, "#/scopes"),
        ({"name": "n", "scopes": ["events:read", "events:fly"]}, "#/scopes/1"),
        ({"name": "n", "scopes": "events:read"}, "#/scopes"),
        ({"name": "n", "expires_at": "tomorrow"}, "#/expires_at"),
        ({"name": "n", "expires_at": "9999-12-31T23:59:59-14:00"}, "#/expires_at"),
    ],
)
def test_a_key_that_does_not_fit_is_not_made(acme: SimpleNamespace, body: object, pointer: str) -> None:
    answer = acme.api.post("/api/keys", body)
    assert (answer.status_code, pointers(answer)) == (422, [pointer])
    assert ApiKey.objects.count() == 1


# --- Rotate -------------------------------------------------------------------------------------------------------


def test_rotation_gives_a_new_key_with_the_same_name_and_scopes(acme: SimpleNamespace) -> None:
    old = make_key(acme.organization, name="deploy", scopes=["events:read", "keys:write"])
    answer = Caller(old).post("/api/keys/rotate")
    key = answer.json()["key"]
    assert answer.status_code == 201
    assert (key["name"], key["scopes"]) == ("deploy", ["events:read", "keys:write"])
    assert works(answer.json()["api_key"])


def test_rotation_without_grace_ends_the_old_key(acme: SimpleNamespace) -> None:
    previous = acme.api.post("/api/keys/rotate", {"grace_seconds": 0}).json()["previous_key"]
    assert previous["revoked_at"] == row_of(acme.key).revoked_at.isoformat().replace("+00:00", "Z")
    assert not works(acme.key)


def test_rotation_leaves_the_other_keys_alone(acme: SimpleNamespace) -> None:
    other = make_key(acme.organization)
    acme.api.post("/api/keys/rotate")
    assert works(other)


def test_a_rotated_key_works_until_its_grace_ends(acme: SimpleNamespace) -> None:
    previous = acme.api.post("/api/keys/rotate", {"grace_seconds": 60}).json()["previous_key"]
    row = row_of(acme.key)
    assert previous["revoked_at"] is None
    assert previous["expires_at"] == row.expires_at.isoformat().replace("+00:00", "Z")
    assert works(acme.key)
    ApiKey.objects.filter(pk=row.pk).update(expires_at=Now())
    assert not works(acme.key)


def test_the_grace_is_counted_from_now(acme: SimpleNamespace) -> None:
    acme.api.post("/api/keys/rotate", {"grace_seconds": 604_800})
    assert ApiKey.objects.filter(
        pk=row_of(acme.key).pk,
        expires_at__gt=Now() + timedelta(seconds=604_790),
        expires_at__lte=Now() + timedelta(seconds=604_800),
    ).exists()


def test_a_grace_does_not_lengthen_the_life_of_a_key(acme: SimpleNamespace) -> None:
    ends = ApiKey.objects.annotate(soon=Now() + timedelta(seconds=30)).values_list("soon", flat=True)[0]
    text = make_key(acme.organization, expires_at=ends)
    Caller(text).post("/api/keys/rotate", {"grace_seconds": 3600})
    assert row_of(text).expires_at == ends


@pytest.mark.parametrize("grace", [-1, 604_801, "soon", 1.5, True, None, [60]])
def test_a_grace_that_does_not_fit_changes_nothing(acme: SimpleNamespace, grace: object) -> None:
    answer = acme.api.post("/api/keys/rotate", {"grace_seconds": grace})
    assert (answer.status_code, pointers(answer)) == (422, ["#/grace_seconds"])
    assert ApiKey.objects.count() == 1
    assert works(acme.key)


# --- Delete -------------------------------------------------------------------------------------------------------


def test_a_deleted_key_is_refused(acme: SimpleNamespace) -> None:
    text = make_key(acme.organization)
    answer = acme.api.delete(f"/api/keys/{row_of(text).pk}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not works(text)
    assert works(acme.key)


def test_a_key_may_delete_itself_when_another_stays(acme: SimpleNamespace) -> None:
    other = make_key(acme.organization)
    assert acme.api.delete(f"/api/keys/{row_of(acme.key).pk}").status_code == 204
    assert not works(acme.key)
    assert works(other)


def test_deleting_twice_keeps_the_first_moment(acme: SimpleNamespace) -> None:
    row = row_of(make_key(acme.organization))
    acme.api.delete(f"/api/keys/{row.pk}")
    first = ApiKey.objects.get(pk=row.pk).revoked_at
    assert acme.api.delete(f"/api/keys/{row.pk}").status_code == 204
    assert ApiKey.objects.get(pk=row.pk).revoked_at == first


def test_the_last_key_can_not_be_deleted(acme: SimpleNamespace) -> None:
    answer = acme.api.delete(f"/api/keys/{row_of(acme.key).pk}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_key")
    assert works(acme.key)


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_key_that_has_ended_does_not_count_as_another(acme: SimpleNamespace, ended: str) -> None:
    ApiKey.objects.filter(pk=row_of(make_key(acme.organization)).pk).update(**{ended: Now()})
    answer = acme.api.delete(f"/api/keys/{row_of(acme.key).pk}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_key")


def test_an_unknown_key_is_not_there(acme: SimpleNamespace) -> None:
    answer = acme.api.delete(f"/api/keys/{uuid.uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# --- What a key may hand out, and how many there may be ------------------------------------------------------------


def test_a_key_hands_out_no_scope_that_it_does_not_have(acme: SimpleNamespace) -> None:
    api = Caller(make_key(acme.organization, scopes=["keys:write", "events:read"]))
    answer = api.post("/api/keys", {"name": "more", "scopes": ["events:read", "events:write"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert answer.json()["detail"] == "This needs a key that has the scope events:write itself."
    assert ApiKey.objects.count() == 2


def test_a_key_hands_out_what_it_has(acme: SimpleNamespace) -> None:
    api = Caller(make_key(acme.organization, scopes=["keys:write", "events:read"]))
    answer = api.post("/api/keys", {"name": "reader", "scopes": ["events:read"]})
    assert (answer.status_code, answer.json()["key"]["scopes"]) == (201, ["events:read"])


def test_without_scopes_the_new_key_has_those_of_the_asking_one(acme: SimpleNamespace) -> None:
    api = Caller(make_key(acme.organization, scopes=["keys:write", "events:read"]))
    assert api.post("/api/keys", {"name": "as I"}).json()["key"]["scopes"] == ["keys:write", "events:read"]


@pytest.mark.parametrize(
    ("path", "body"), [("/api/keys", {"name": "n"}), ("/api/keys/rotate", {"grace_seconds": 9})]
)
def test_there_are_no_more_valid_keys_than_the_server_allows(
    acme: SimpleNamespace, settings: pytest.FixtureDef, path: str, body: dict[str, object]
) -> None:
    settings.KEYS_PER_ORGANIZATION = 2
    make_key(acme.organization)
    answer = acme.api.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_keys")
    assert answer.json()["detail"] == "An organization may have 2 valid keys."
    assert ApiKey.objects.valid().count() == 2
    assert works(acme.key)


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_keys_that_have_ended_take_no_room(
    acme: SimpleNamespace, settings: pytest.FixtureDef, ended: str
) -> None:
    settings.KEYS_PER_ORGANIZATION = 2
    ApiKey.objects.filter(pk=row_of(make_key(acme.organization)).pk).update(**{ended: Now()})
    assert acme.api.post("/api/keys", {"name": "n"}).status_code == 201


def test_another_tenants_keys_take_no_room(
    acme: SimpleNamespace, rival: SimpleNamespace, settings: pytest.FixtureDef
) -> None:
    settings.KEYS_PER_ORGANIZATION = 2
    assert acme.api.post("/api/keys", {"name": "n"}).status_code == 201


def test_a_rotation_without_grace_needs_no_room(acme: SimpleNamespace, settings: pytest.FixtureDef) -> None:
    settings.KEYS_PER_ORGANIZATION = 1
    assert acme.api.post("/api/keys/rotate").status_code == 201


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_the_list_leaves_out_what_ended_long_ago(acme: SimpleNamespace, ended: str) -> None:
    lately, long_ago = (row_of(make_key(acme.organization)) for _ in range(2))
    ApiKey.objects.filter(pk=lately.pk).update(**{ended: Now() - timedelta(days=29)})
    ApiKey.objects.filter(pk=long_ago.pk).update(**{ended: Now() - timedelta(days=31)})
    listed = [key["id"] for key in acme.api.get("/api/keys").json()["keys"]]
    assert listed == [str(lately.pk), str(row_of(acme.key).pk)]


def test_the_list_leaves_out_what_was_revoked_long_ago_and_would_still_be_valid(
    acme: SimpleNamespace,
) -> None:
    row = row_of(make_key(acme.organization, expires_at=ahead(days=9)))
    ApiKey.objects.filter(pk=row.pk).update(revoked_at=Now() - timedelta(days=31))
    assert len(acme.api.get("/api/keys").json()["keys"]) == 1


def test_of_keys_that_ended_lately_the_list_has_the_newest_hundred(acme: SimpleNamespace) -> None:
    ended = [
        ApiKey(organization=acme.organization, public_id=f"{number:012}", revoked_at=ago(days=1))
        for number in range(102)
    ]
    ApiKey.objects.bulk_create(ended)
    listed = [key["prefix"] for key in acme.api.get("/api/keys").json()["keys"]]
    assert listed == [f"trg_{number:012}" for number in range(101, 1, -1)] + [row_of(acme.key).prefix]

from types import SimpleNamespace

import pytest
from django.db.models.functions import Now

from organizations.key_format import KeyParts, compose, new_parts, take_apart
from organizations.models import ApiKey
from organizations.verification import FAILURES_PER_MINUTE
from tests.calls import Caller
from tests.factories import ago, make_key

KEYS = "/api/keys"


def refused_headers(acme: SimpleNamespace) -> dict[str, dict[str, str]]:
    """Every way in which a key can be wrong."""
    parts = take_apart(acme.key)
    assert parts is not None
    revoked = make_key(acme.organization, name="revoked")
    ApiKey.objects.filter(name="revoked").update(revoked_at=Now())
    return {
        "missing": {},
        "empty": {"X-API-Key": ""},
        "malformed": {"X-API-Key": "secret"},
        "mistyped": {"X-API-Key": acme.key[:-1] + "-"},
        "wrong checksum": {"X-API-Key": acme.key[:-6] + "000000"},
        "not ASCII": {"X-API-Key": "trg_ü"},
        "unknown": {"X-API-Key": compose(new_parts())},
        "another secret": {"X-API-Key": compose(KeyParts(parts.public_id, new_parts().secret))},
        "revoked": {"X-API-Key": revoked},
        "expired": {"X-API-Key": make_key(acme.organization, expires_at=ago(seconds=1))},
        "another scheme": {"Authorization": f"Basic {acme.key}"},
        "no scheme": {"Authorization": acme.key},
        "bearer of nothing": {"Authorization": "Bearer "},
    }


def test_every_refusal_of_a_key_is_the_same_answer(acme: SimpleNamespace, anyone: Caller) -> None:
    answers = set()
    for headers in refused_headers(acme).values():
        response = anyone.get(KEYS, headers={**headers, "X-Request-ID": "same"})
        kept = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
        answers.add((response.status_code, response.content, tuple(sorted(kept.items()))))
    assert len(answers) == 1


def test_after_too_many_guesses_the_answer_is_still_the_same(acme: SimpleNamespace, anyone: Caller) -> None:
    answers = set()
    for _ in range(FAILURES_PER_MINUTE + 2):
        headers = {"X-API-Key": compose(new_parts()), "X-Request-ID": "same"}
        response = anyone.get(KEYS, headers=headers)
        answers.add((response.status_code, response.content, tuple(sorted(response.headers.items()))))
    assert len(answers) == 1


def test_a_refusal_of_a_key_looks_like_this(anyone: Caller, db: None) -> None:
    response = anyone.get(KEYS, headers={"X-Request-ID": "mine"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/unauthorized",
        "title": "No valid API key",
        "status": 401,
        "detail": "The call carries no API key that is valid now. "
        "Missing, unknown, expired and revoked keys look the same.",
        "code": "unauthorized",
        "request_id": "mine",
    }


@pytest.mark.parametrize("form", ["X-API-Key", "Bearer", "bearer", "BEARER"])
def test_a_key_comes_in_its_own_header_or_as_a_bearer(
    acme: SimpleNamespace, anyone: Caller, form: str
) -> None:
    headers = {form: acme.key} if form == "X-API-Key" else {"Authorization": f"{form} {acme.key}"}
    assert anyone.get(KEYS, headers=headers).status_code == 200


def test_its_own_header_is_the_one_that_counts(
    acme: SimpleNamespace, rival: SimpleNamespace, anyone: Caller
) -> None:
    headers = {"X-API-Key": acme.key, "Authorization": f"Bearer {rival.key}"}
    assert anyone.get(KEYS, headers=headers).json()["organization"]["name"] == "Acme"


def test_a_key_without_the_scope_is_told_which_one_it_lacks(acme: SimpleNamespace) -> None:
    reader = Caller(make_key(acme.organization, scopes=["events:read"]))
    response = reader.post(KEYS, {"name": "another"})
    assert response.status_code == 403
    assert response.json()["code"] == "missing_scope"
    assert response.json()["detail"] == "This call needs a key with the scope keys:write."
    assert ApiKey.objects.count() == 2


def test_a_refusal_says_nothing_about_limits(anyone: Caller, db: None) -> None:
    response = anyone.get(KEYS)
    assert not [name for name in response.headers if "ratelimit" in name.lower()]

"""Which calls are for the fast lane, and what those that come together are to each other."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from deliveries.models import Delivery
from events.models import Event
from organizations import verification
from organizations.key_format import public_part
from organizations.models import ApiKey, Organization
from organizations.tiers import Tier
from tests.calls import encoded
from tests.conftest import tenant
from tests.doors import Exchange, Scope, call, exchange
from tests.factories import make_endpoint, make_key
from tests.spending import was_spent
from triggers_project.web.django_door import DjangoDoor
from triggers_project.web.lane import headers_of_every_answer

EVENT = {"type": "order.created", "payload": {"n": 1}, "dedup_id": "d"}
ONE, MANY = "/api/events", "/api/events/batch"


@pytest.fixture
def by_django(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that Django was called for."""
    called: list[str] = []
    answer = DjangoDoor.answer

    async def note(self: DjangoDoor, scope: Any, proto: Any, body: Any) -> None:
        called.append(scope.path)
        await answer(self, scope, proto, body)

    monkeypatch.setattr(DjangoDoor, "answer", note)
    return called


@pytest.fixture
def inbox(acme: SimpleNamespace) -> SimpleNamespace:
    Organization.objects.update(inbox_only=True)
    return acme


def send(
    acme: SimpleNamespace, *more: tuple[str, str], method: str = "POST", path: str = ONE, key: str = ""
) -> int:
    body = encoded({"events": [EVENT]} if "batch" in path else EVENT)
    pairs = [("Host", "localhost"), ("X-API-Key", key or acme.key), ("Content-Length", str(len(body)))]
    if not any(name == "Content-Type" for name, _ in more):
        pairs.append(("Content-Type", "application/json"))
    return exchange((Scope(method, path, [*pairs, *more]), Exchange(body)))[0].status_code


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ([], ONE),
        ([], MANY),
        ([], f"{ONE}?who=cares"),
        ([("Content-Type", "application/json; charset=utf-8")], ONE),
        ([("User-Agent", "curl"), ("Accept", "*/*"), ("X-Request-ID", "mine")], ONE),
    ],
)
def test_what_is_usual_is_for_the_lane(
    inbox: SimpleNamespace, by_django: list[str], more: list[tuple[str, str]], path: str
) -> None:
    assert send(inbox, *more, path=path) == 202
    assert by_django == []


@pytest.mark.parametrize(
    ("more", "path", "status"),
    [
        ([("Origin", "https://app.example")], ONE, 202),
        ([("Idempotency-Key", "k")], ONE, 202),
        ([("Idempotency-Key", "ü")], ONE, 422),
        ([("Expect", "100-continue")], ONE, 202),
        ([("Content-Type", "text/plain")], ONE, 415),
        ([("Content-Type", "Application/JSON")], ONE, 202),
        ([("X-API-Key", "trg_another")], ONE, 401),
        ([("Authorization", "ü")], ONE, 202),
        ([], f"{ONE}/", 202),
        ([], f"{MANY}/", 202),
    ],
)
def test_what_is_not_usual_is_djangos(
    inbox: SimpleNamespace, by_django: list[str], more: list[tuple[str, str]], path: str, status: int
) -> None:
    assert send(inbox, *more, path=path) == status
    assert len(by_django) == 1


def test_another_method_is_djangos(inbox: SimpleNamespace, by_django: list[str]) -> None:
    assert send(inbox, method="GET") == 200
    assert send(inbox, method="PUT") == 405
    assert by_django == [ONE, ONE]


def test_a_host_that_is_not_ours_is_djangos(inbox: SimpleNamespace, by_django: list[str]) -> None:
    scope, proto = call("POST", ONE, encoded(EVENT), {"Host": "evil.example", "X-API-Key": inbox.key})
    assert exchange((scope, proto))[0].status_code == 400
    assert by_django == [ONE]
    assert not Event.objects.exists()


def test_a_key_that_may_not_send_is_djangos(inbox: SimpleNamespace, by_django: list[str]) -> None:
    assert send(inbox, key=make_key(inbox.organization, scopes=["events:read"])) == 403
    assert by_django == [ONE]
    assert not Event.objects.exists()


def test_a_bearer_is_a_key_as_well(inbox: SimpleNamespace, by_django: list[str]) -> None:
    headers = {"Authorization": f"Bearer {inbox.key}", "Content-Type": "application/json"}
    assert exchange(call("POST", ONE, encoded(EVENT), headers))[0].status_code == 202
    assert by_django == []


@pytest.fixture
def a_second_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """To be called when what is remembered is to be a second old. From then on only the lane looks at keys."""

    def pass_by() -> None:
        monkeypatch.setattr("tests.doors.find_key", lambda *_, **__: None)
        monkeypatch.setattr(verification, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 1))

    return pass_by


def test_a_key_that_was_revoked_is_refused_within_a_second(
    inbox: SimpleNamespace, by_django: list[str], a_second_later: Callable[[], None]
) -> None:
    assert send(inbox) == 202
    ApiKey.objects.update(revoked_at=Now())
    a_second_later()
    assert send(inbox) == 401
    assert by_django == [ONE]


def test_a_key_in_use_that_was_revoked_is_refused_once_it_was_read_ahead(
    inbox: SimpleNamespace, by_django: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"X-API-Key": inbox.key, "Content-Type": "application/json"}
    first, *others = (call("POST", ONE, b"{}", headers) for _ in range(3))
    assert exchange(first)[0].status_code == 422
    ApiKey.objects.update(revoked_at=Now())
    ends = verification._states[public_part(inbox.key)].until
    monkeypatch.setattr("tests.doors.find_key", lambda *_, **__: None)
    monkeypatch.setattr(verification, "time", SimpleNamespace(monotonic=lambda: ends - 0.1))
    assert [exchange(other)[0].status_code for other in others] == [422, 401]
    assert by_django == [ONE]


def test_what_is_remembered_of_a_key_is_read_again_without_django(
    inbox: SimpleNamespace, by_django: list[str], a_second_later: Callable[[], None]
) -> None:
    assert send(inbox) == 202
    Organization.objects.update(tier=Tier.PRO)
    a_second_later()
    headers = {"X-API-Key": inbox.key, "Content-Type": "application/json"}
    answer = exchange(call("POST", ONE, b"{}", headers))[0]
    assert answer.headers["X-RateLimit-Limit"] == "1000"
    assert by_django == []


def test_without_database_a_key_that_is_not_fresh_is_a_503(
    inbox: SimpleNamespace,
    by_django: list[str],
    a_second_later: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert send(inbox) == 202
    a_second_later()
    monkeypatch.setattr(verification, "_valid_keys", lambda: (_ for _ in ()).throw(OperationalError("gone")))
    headers = {"X-API-Key": inbox.key, "Content-Type": "application/json", "X-Request-ID": "mine"}
    (answer,) = exchange(call("POST", ONE, encoded(EVENT), headers))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert (answer.json()["code"], answer.json()["request_id"]) == ("unavailable", "mine")
    assert by_django == []


def test_over_tls_the_answer_keeps_browsers_at_it(inbox: SimpleNamespace, settings: Any) -> None:
    settings.BEHIND_TLS_PROXY, settings.SECURE_HSTS_SECONDS = True, 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    found = []
    for proto in ("https", "http"):
        headers_of_every_answer.cache_clear()
        headers = {"X-API-Key": inbox.key, "Content-Type": "application/json", "X-Forwarded-Proto": proto}
        (answer,) = exchange(call("POST", ONE, b"{}", headers))
        found.append(answer.headers.get("Strict-Transport-Security"))
    headers_of_every_answer.cache_clear()
    assert found == ["max-age=60", None]


# --- Together ---------------------------------------------------------------------------------------------------------


def test_what_one_of_many_does_is_nothing_to_the_others(db: None) -> None:
    """One commit for five tenants: stored, refused by PostgreSQL, over the limit, not JSON, and a duplicate."""
    good, huge, spent, broken = (tenant(name) for name in ("Good", "Huge", "Spent", "Broken"))
    Organization.objects.update(inbox_only=True)
    was_spent(f"events:{spent.organization.pk}", {0: 100})
    bodies = [
        (good, encoded(EVENT)),
        (huge, b'{"type": "order.created", "payload": ' + b"1" * 131_073 + b"}"),
        (spent, encoded(EVENT)),
        (broken, b"{"),
        (good, encoded(EVENT)),
    ]
    answers = exchange(
        *(
            call("POST", ONE, body, {"X-API-Key": who.key, "Content-Type": "application/json"})
            for who, body in bodies
        )
    )
    assert [answer.status_code for answer in answers] == [202, 422, 429, 400, 409]
    assert Event.objects.get().organization == good.organization


def test_many_at_once_are_one_commit(committed_acme: SimpleNamespace) -> None:
    make_endpoint(committed_acme.organization)
    headers = {"X-API-Key": committed_acme.key, "Content-Type": "application/json"}
    answers = exchange(
        *(call("POST", ONE, encoded({"type": "a", "payload": number}), headers) for number in range(20))
    )
    assert [answer.status_code for answer in answers] == [202] * 20
    assert sorted(Event.objects.values_list("payload", flat=True)) == list(range(20))
    assert Event.objects.values("created_at").distinct().count() <= 2  # the first may have been gone already
    assert Delivery.objects.count() == 20

"""The same call gets the same answer from both doors, is counted alike, and leaves the same lines in the log.

What the calls themselves do is told in `tests/events`, where the fixture `door` sends each through both.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from prometheus_client import REGISTRY

from deliveries.courtesy import Courtesy
from deliveries.models import Delivery
from events.models import Event
from organizations import verification
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
NOT_STORABLE = b'{"type": "order.created", "payload": ' + b"1" * 131_073 + b"}"

Prepare = Callable[[SimpleNamespace, pytest.MonkeyPatch], None]


def nothing(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    pass


def the_same_before(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    acme.api.post("/api/events", EVENT)


def no_endpoint(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    Organization.objects.filter(pk=acme.organization.pk).update(inbox_only=False)


def limit_spent(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    was_spent(f"events:{acme.organization.pk}", {0: 100})


def database_away(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def go_away(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("events.accept._store", go_away)


def mistake_of_ours(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.accept._store", lambda *_: 1 // 0)


ONE, MANY = "/api/events", "/api/events/batch"
CALLS: dict[str, tuple[str, Any, int, Prepare]] = {
    "accepted": (ONE, EVENT, 202, nothing),
    "a duplicate": (ONE, EVENT, 409, the_same_before),
    "no endpoint": (ONE, EVENT, 422, no_endpoint),
    "over the limit": (ONE, EVENT, 429, limit_spent),
    "not JSON": (ONE, b"{", 400, nothing),
    "nothing": (ONE, b"", 400, nothing),
    "does not fit": (ONE, {"type": "a b", "payload": "\x00"}, 422, nothing),
    "can't be stored": (ONE, NOT_STORABLE, 422, nothing),
    "too large": (ONE, b"x" * 262_145, 413, nothing),
    "without database": (ONE, EVENT, 503, database_away),
    "a mistake of ours": (ONE, EVENT, 500, mistake_of_ours),
    "a batch": (MANY, {"events": [EVENT, {"type": "a", "payload": None}]}, 202, nothing),
    "a mixed batch": (MANY, {"events": [EVENT, EVENT, {}]}, 207, nothing),
    "an empty batch": (MANY, {"events": []}, 422, nothing),
    "a batch over the limit": (MANY, {"events": [EVENT]}, 429, limit_spent),
    "a batch without endpoint": (MANY, {"events": [EVENT]}, 422, no_endpoint),
    "a batch without database": (MANY, {"events": [EVENT]}, 503, database_away),
}
named = pytest.mark.parametrize("name", CALLS)


def without_chance(text: str) -> str:
    """Ids, moments and durations differ from call to call."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "MOMENT", text)
    return re.sub(r'("duration_ms":)[\d.]+', r'\1"MS"', text)


def made(name: str, monkeypatch: pytest.MonkeyPatch, *, fast: bool) -> Any:
    """The answer to that call by a tenant of its own."""
    path, body, status, prepare = CALLS[name]
    acme = tenant("Acme")
    Organization.objects.filter(pk=acme.organization.pk).update(inbox_only=True)
    with monkeypatch.context() as patched:
        prepare(acme, patched)
        content = body if isinstance(body, bytes) else encoded(body)
        if fast:
            headers = {"X-API-Key": acme.key, "Content-Type": "application/json"}
            answer = exchange(call("POST", path, content, headers))[0]
        else:
            answer = acme.api.post(path, content)
    assert answer.status_code == status
    return answer


def figures() -> dict[tuple[str, str], float]:
    """Of all that is counted, but for moments and durations."""
    return {
        (sample.name, str(sorted(sample.labels.items()))): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if not re.search(
            r"_created$|seconds.*_(sum|bucket)$|^process_|^python_|_body_bytes_sum$", sample.name
        )
        # REST framework's answers are template answers without a template; and rings depend on who rang before.
        and not sample.name.startswith(("triggers_ring", "django_http_responses_total_by_templatename"))
    }


def growth(work: Callable[[], object]) -> dict[tuple[str, str], float]:
    before = figures()
    work()
    return {
        name: value - before.get(name, 0) for name, value in figures().items() if value != before.get(name, 0)
    }


@named
def test_the_body_is_the_same(db: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    ours, djangos = (made(name, monkeypatch, fast=fast) for fast in (True, False))
    assert without_chance(ours.content.decode()) == without_chance(djangos.content.decode())


def still(name: str, value: str) -> str:
    """The second may have changed between two calls."""
    if name in ("retry-after", "x-ratelimit-reset"):
        return "MOMENT"
    return re.sub(r";t=\d+$", ";t=MOMENT", without_chance(value))


@named
def test_the_headers_are_the_same(db: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    ours, djangos = (
        {
            header.lower(): still(header.lower(), value)
            for header, value in made(name, monkeypatch, fast=fast).headers.items()
            if header.lower() != "content-length"  # which granian writes
        }
        for fast in (True, False)
    )
    assert ours == djangos


@named
def test_it_is_counted_alike(db: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    ours, djangos = (growth(lambda fast=fast: made(name, monkeypatch, fast=fast)) for fast in (True, False))
    assert ours == djangos


@named
def test_it_leaves_the_same_lines(
    db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    found = []
    for fast in (True, False):
        capsys.readouterr()
        made(name, monkeypatch, fast=fast)
        lines = [json.loads(line) for line in without_chance(capsys.readouterr().err).splitlines()]
        found.append([{**line, "exception": bool(line.get("exception"))} for line in lines])
    assert found[0] == found[1]


# --- Which calls are for the lane -------------------------------------------------------------------------------------


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
    limit_spent(spent, pytest.MonkeyPatch())
    bodies = [
        (good, encoded(EVENT)),
        (huge, NOT_STORABLE),
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


def test_a_batch_of_who_rests_begins_later(inbox: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr("events.api_fast.asyncio.sleep", note)
    monkeypatch.setattr(Courtesy, "rest_of", lambda self, organization, *, now: 0.7)
    assert send(inbox, path=MANY) == 202
    assert 0.7 in waited


def test_in_company_batches_of_a_sender_that_come_at_once_rest_one_after_the_other(
    inbox: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seen_of_batches(3, inbox, monkeypatch, rest=0) == ["rests", "served"] * 3


def test_nobody_waits_for_its_turn_for_longer_than_it_may_rest(
    inbox: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.api_fast.LONGEST_REST", 0.02)
    assert seen_of_batches(2, inbox, monkeypatch, rest=0.2) == ["rests", "rests", "served", "served"]


def seen_of_batches(
    count: int, inbox: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *, rest: float
) -> list[str]:
    """What became of so many at once, in company, while their sender rests for so many seconds each time."""
    seen: list[str] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        if seconds == 0.7:
            seen.append("rests")
        await sleep(rest if seconds == 0.7 else 0)

    monkeypatch.setattr("events.api_fast.asyncio.sleep", note)
    monkeypatch.setattr(Courtesy, "rest_of", lambda self, organization, *, now: 0.7)
    monkeypatch.setattr(Courtesy, "in_company", lambda self, *, now: True)
    monkeypatch.setattr(Courtesy, "serve", lambda self, served, **_: seen.append("served"))
    headers = {"X-API-Key": inbox.key, "Content-Type": "application/json"}
    answers = exchange(*(call("POST", MANY, encoded({"events": [EVENT]}), headers) for _ in range(count)))
    assert {answer.status_code for answer in answers} <= {202, 207}
    return seen

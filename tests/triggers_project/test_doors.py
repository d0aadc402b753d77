"""The same call gets the same answer from both doors, is counted alike, and leaves the same lines in the log.

What the calls themselves do is told in `tests/events`, where the fixture `door` sends each through both.
"""

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from prometheus_client import REGISTRY

from organizations.models import Organization
from tests.calls import encoded
from tests.conftest import tenant
from tests.doors import call, exchange
from tests.spending import was_spent

EVENT = {"type": "order.created", "payload": {"n": 1}, "dedup_id": "d"}
ONE, MANY = "/api/events", "/api/events/batch"
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

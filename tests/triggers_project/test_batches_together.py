"""Batches that come at the same time go into one commit, and each hears only of itself."""

import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from django.http import HttpResponse

from deliveries import intake
from deliveries.courtesy import Courtesy
from events import api_fast
from events.accept import Posted
from events.models import Event
from organizations import verification
from organizations.models import Organization
from tests.calls import encoded
from tests.doors import call, exchange
from tests.spending import was_spent

EVENT = {"type": "order.created", "payload": {"n": 1}}
NOT_STORABLE = {"type": "b", "payload": msgspec.Raw(b"1" * 131_073)}  # jsonb's numbers end a digit before


@pytest.fixture(autouse=True)
def _inbox_is_enough(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)


@pytest.fixture(autouse=True)
def _keys_stay_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who has to ask for the state of its key comes a moment after the others."""
    monkeypatch.setattr(verification, "STATE_SECONDS", 60)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each was to hold."""
    sizes: list[int] = []
    accept_all = intake.accept_all

    def noted(posted: list[Posted], **options: Any) -> Any:
        sizes.append(len(posted))
        return accept_all(posted, **options)

    monkeypatch.setattr(intake, "accept_all", noted)
    return sizes


def at_once(*batches: tuple[SimpleNamespace, Any]) -> list[HttpResponse]:
    return exchange(
        *(
            call(
                "POST",
                "/api/events/batch",
                body if isinstance(body, bytes) else encoded({"events": body}),
                {
                    "X-API-Key": tenant.key,
                    "Content-Type": "application/json",
                    "X-Request-Id": f"call-{number}",
                },
            )
            for number, (tenant, body) in enumerate(batches)
        )
    )


def test_those_of_all_tenants_are_one_commit(
    acme: SimpleNamespace, rival: SimpleNamespace, commits: list[int]
) -> None:
    answers = at_once((acme, [EVENT] * 2), (rival, [EVENT]), (acme, [EVENT] * 3))
    assert commits == [6]
    assert [answer.json()["accepted"] for answer in answers] == [2, 1, 3]
    for answer, tenant in zip(answers, (acme, rival, acme), strict=True):
        ids = [result["id"] for result in answer.json()["results"]]
        assert Event.objects.filter(pk__in=ids, organization=tenant.organization).count() == len(ids)


def test_a_commit_takes_no_more_than_its_share(
    acme: SimpleNamespace, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_fast, "BATCHES_AT_ONCE", 1)
    monkeypatch.setattr(api_fast, "MOST_OF_BATCHES", 4 * api_fast.LEAST_WEIGHT_IN_BATCH)
    answers = at_once(*[(acme, [EVENT] * 2)] * 5)
    assert [answer.status_code for answer in answers] == [202] * 5
    assert commits == [4, 4, 2]


def test_a_large_one_goes_alone(
    acme: SimpleNamespace, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_fast, "BATCHES_AT_ONCE", 1)
    monkeypatch.setattr(api_fast, "MOST_OF_BATCHES", 4_000)
    large = {**EVENT, "payload": "x" * 5_000}
    answers = at_once((acme, [EVENT]), (acme, [large]), (acme, [EVENT]))
    assert [answer.status_code for answer in answers] == [202] * 3
    assert commits == [1, 1, 1]


def test_only_what_was_accepted_counts_as_much(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[dict[str, int]] = []
    monkeypatch.setattr(Courtesy, "serve", lambda self, events, **_: served.append(events))
    was_spent(f"events:{acme.organization.pk}", {0: 97})
    answers = at_once((acme, [EVENT] * 3), (acme, [EVENT] * 2))
    assert [answer.status_code for answer in answers] == [202, 429]
    assert [list(events.values()) for events in served] == [[3], [1]]


def test_what_is_wrong_with_one_is_told_to_its_caller_alone(
    acme: SimpleNamespace, rival: SimpleNamespace, commits: list[int]
) -> None:
    was_spent(f"events:{rival.organization.pk}", {0: 99})
    answers = at_once(
        (acme, [EVENT]),
        (acme, b"{"),
        (acme, []),
        (rival, [EVENT] * 2),
        (acme, [EVENT, {"type": "a"}]),
        (rival, [EVENT]),
    )
    assert commits == [3]
    assert [answer.status_code for answer in answers] == [202, 400, 422, 429, 207, 202]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers if answer.status_code == 429] == [
        "1"
    ]
    assert Event.objects.count() == 3


def test_without_an_endpoint_only_its_own_are_refused(
    acme: SimpleNamespace, rival: SimpleNamespace, commits: list[int]
) -> None:
    Organization.objects.filter(pk=rival.organization.pk).update(inbox_only=False)
    answers = at_once((acme, [EVENT]), (rival, [EVENT] * 2), (acme, [EVENT]))
    assert commits == [4]
    assert [answer.status_code for answer in answers] == [202, 422, 202]
    assert answers[1].json()["code"] == "no_endpoint"


def test_a_dedup_id_that_comes_in_two_of_them_is_accepted_once(
    acme: SimpleNamespace, rival: SimpleNamespace, commits: list[int]
) -> None:
    event = {**EVENT, "dedup_id": "d"}
    first, second, of_another = at_once((acme, [event]), (acme, [event, EVENT]), (rival, [event]))
    assert commits == [4]
    assert [answer.status_code for answer in (first, second, of_another)] == [202, 207, 202]
    assert second.json()["results"][0]["id"] == first.json()["results"][0]["id"]


def test_what_the_database_refuses_spoils_no_other(
    acme: SimpleNamespace, rival: SimpleNamespace, commits: list[int]
) -> None:
    answers = at_once((acme, [EVENT]), (rival, [NOT_STORABLE, EVENT]), (acme, [EVENT]))
    assert commits == [4]
    assert [answer.status_code for answer in answers] == [202, 207, 202]
    assert [result["status"] for result in answers[1].json()["results"]] == ["rejected", "accepted"]


def test_each_has_its_own_line_in_the_log(
    acme: SimpleNamespace, rival: SimpleNamespace, commits: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = at_once((acme, [EVENT] * 2), (rival, [EVENT]))
    assert commits == [3]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {line["request_id"]: line for line in lines if line["event"] == "batch.accepted"}
    for number, (answer, tenant) in enumerate(zip(answers, (acme, rival), strict=True)):
        line = told[f"call-{number}"]
        assert line["organization_id"] == str(tenant.organization.pk)
        assert line["event_ids"] == [result["id"] for result in answer.json()["results"]]

"""POST /api/deliveries/retry, POST /api/endpoints/{id}/replay, /api/replays"""

import uuid
from types import SimpleNamespace

import pytest

from deliveries import bulk_replay
from deliveries.bulk_replay import go_on
from deliveries.models import Delivery, Endpoint, Replay
from organizations import redis_client
from tests.calls import pointers
from tests.concurrency import at_once
from tests.factories import ago, make_delivery, make_endpoint, make_event

RETRY, REPLAYS = "/api/deliveries/retry", "/api/replays"
DEAD = {"status": "dead_letter"}


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization)


@pytest.fixture
def parts_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_replay, "PART", 2)


def dead(endpoint: Endpoint, number: int = 1, **fields: object) -> list[Delivery]:
    return [make_delivery(endpoint, status="dead_letter", attempts=5, **fields) for _ in range(number)]


def numbers(response: object) -> tuple[int, int]:
    assert response.status_code == 202, response.content
    return response.json()["matched"], response.json()["replayed"]


def pending() -> set[uuid.UUID]:
    return set(Delivery.objects.filter(status="pending").values_list("pk", flat=True))


def state_of_all() -> list[tuple[object, ...]]:
    return list(Delivery.objects.order_by("pk").values_list())


# --- Many, by filter ----------------------------------------------------------------------------------------------


def test_all_that_match_are_sent_again(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    wanted = dead(endpoint, 3)
    make_delivery(endpoint, status="delivered")
    response = acme.api.post(RETRY, DEAD)
    replay = Replay.objects.get()
    assert response.json() == {"id": str(replay.pk), "state": "done", "matched": 3, "replayed": 3}
    assert response.headers["Location"] == f"/api/replays/{replay.pk}"
    assert pending() == {delivery.pk for delivery in wanted}
    assert set(Delivery.objects.filter(status="pending").values_list("attempts", flat=True)) == {0}


def test_it_rings(committed_acme: SimpleNamespace) -> None:
    dead(make_endpoint(committed_acme.organization))
    committed_acme.api.post(RETRY, DEAD)
    assert redis_client.client().exists("triggers:ring")


@pytest.mark.parametrize("only", ["endpoint_id", "event_type", "since", "until"])
def test_each_filter_leaves_out_what_it_does_not_name(
    acme: SimpleNamespace, endpoint: Endpoint, only: str
) -> None:
    other = make_endpoint(acme.organization)
    made = {
        "endpoint_id": (endpoint, {}, other, {}),
        "event_type": (endpoint, {"event": make_event(acme.organization, event_type="a.b")}, endpoint, {}),
        "since": (endpoint, {"created_at": ago(hours=1)}, endpoint, {"created_at": ago(hours=3)}),
        "until": (endpoint, {"created_at": ago(hours=3)}, endpoint, {"created_at": ago(hours=1)}),
    }[only]
    (wanted,), _ = dead(made[0], **made[1]), dead(made[2], **made[3])
    value = {"endpoint_id": endpoint.pk, "event_type": "a.b"}.get(only, ago(hours=2))
    assert numbers(acme.api.post(RETRY, {**DEAD, only: value})) == (1, 1)
    assert pending() == {wanted.pk}


def test_what_waits_for_its_retry_is_sent_by_hand(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, status="failed", attempts=2)
    assert numbers(acme.api.post(RETRY, {"status": "failed"})) == (1, 1)
    delivery.refresh_from_db()
    assert (delivery.manual, delivery.attempts, delivery.status) == (True, 2, "failed")


@pytest.mark.parametrize("path", ["/api/deliveries/retry", "/api/endpoints/{}/replay"])
def test_a_dry_run_says_exactly_what_would_be_sent_and_changes_nothing(
    acme: SimpleNamespace, endpoint: Endpoint, path: str
) -> None:
    dead(endpoint, 3)
    dead(make_endpoint(acme.organization, deleted_at=ago(hours=1)))  # of no use to anybody
    before, path = state_of_all(), path.format(endpoint.pk)
    body = {**DEAD, "since": ago(hours=1)}
    answer = acme.api.post(path, {**body, "dry_run": True}).json()
    assert answer == {"id": None, "state": None, "matched": 3, "replayed": 0}
    assert state_of_all() == before
    assert not Replay.objects.exists()
    assert numbers(acme.api.post(path, body)) == (3, 3)


def test_another_tenants_are_left_alone(
    acme: SimpleNamespace, rival: SimpleNamespace, endpoint: Endpoint
) -> None:
    dead(endpoint)
    before = state_of_all()
    assert numbers(rival.api.post(RETRY, DEAD)) == (0, 0)
    assert rival.api.post(RETRY, {**DEAD, "endpoint_id": endpoint.pk}).status_code == 404
    assert state_of_all() == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/status"),
        ({"status": "lost"}, "#/status"),
        ({**DEAD, "endpoint_id": "1"}, "#/endpoint_id"),
        ({**DEAD, "event_type": "a..b"}, "#/event_type"),
        ({**DEAD, "since": "yesterday"}, "#/since"),
        ({**DEAD, "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "#/until"),
        ({**DEAD, "dry_run": "perhaps"}, "#/dry_run"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_sends_nothing(
    acme: SimpleNamespace, endpoint: Endpoint, body: object, pointer: str
) -> None:
    dead(endpoint)
    before = state_of_all()
    response = acme.api.post(RETRY, body)
    assert response.status_code == 422
    assert pointer in pointers(response)[0]
    assert state_of_all() == before


# --- An endpoint's, by time ---------------------------------------------------------------------------------------


def test_an_endpoints_dead_letters_since_then_are_sent_again(
    acme: SimpleNamespace, endpoint: Endpoint
) -> None:
    dead(endpoint, created_at=ago(hours=3))
    (wanted,) = dead(endpoint, created_at=ago(hours=1))
    dead(make_endpoint(acme.organization))
    make_delivery(endpoint, status="delivered")
    response = acme.api.post(f"/api/endpoints/{endpoint.pk}/replay", {"since": ago(hours=2)})
    assert numbers(response) == (1, 1)
    assert pending() == {wanted.pk}


def test_its_types_are_patterns_as_an_endpoint_has_them(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    types = ("order.created", "order.item.sold", "orders", "user.gone", "user.gone.twice")
    made = {
        name: dead(endpoint, event=make_event(acme.organization, event_type=name))[0].pk for name in types
    }
    body = {"since": ago(hours=2), "event_types": ["order.*", "user.gone"]}
    assert numbers(acme.api.post(f"/api/endpoints/{endpoint.pk}/replay", body)) == (3, 3)
    assert pending() == {made[name] for name in ("order.created", "order.item.sold", "user.gone")}


def test_it_needs_to_know_since_when(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    response = acme.api.post(f"/api/endpoints/{endpoint.pk}/replay", {})
    assert (response.status_code, pointers(response)) == (422, ["#/since"])


# --- In the background --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("parts_of_two")
def test_a_large_one_answers_after_its_first_part_and_shows_its_progress(
    acme: SimpleNamespace, endpoint: Endpoint
) -> None:
    wanted = dead(endpoint, 5)
    answer = acme.api.post(RETRY, DEAD).json()
    assert (answer["state"], answer["matched"], answer["replayed"]) == ("running", 5, 2)
    path = f"{REPLAYS}/{answer['id']}"
    assert bulk_replay.do_part(uuid.UUID(answer["id"])) is True
    shown = acme.api.get(path).json()
    assert (shown["state"], shown["replayed"], shown["finished_at"]) == ("running", 4, None)
    assert go_on(seconds=60) == 1
    shown = acme.api.get(path).json()
    assert (shown["state"], shown["matched"], shown["replayed"]) == ("done", 5, 5)
    assert shown["finished_at"] is not None
    assert pending() == {delivery.pk for delivery in wanted}


def test_a_replay_looks_like_this(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    since = ago(hours=2).replace(microsecond=0)
    body = {"since": since, "event_types": ["a.*"]}
    answer = acme.api.post(f"/api/endpoints/{endpoint.pk}/replay", body).json()
    shown = acme.api.get(f"{REPLAYS}/{answer['id']}").json()
    assert shown == {
        "id": answer["id"],
        "state": "done",
        "matched": 0,
        "replayed": 0,
        "status": "dead_letter",
        "endpoint_id": str(endpoint.pk),
        "event_types": ["a.*"],
        "since": since.isoformat().replace("+00:00", "Z"),
        "until": None,
        "created_at": shown["created_at"],
        "finished_at": shown["finished_at"],
    }
    assert acme.api.get(REPLAYS).json()["items"] == [shown]


@pytest.mark.usefixtures("parts_of_two")
def test_what_dies_after_it_was_asked_for_is_not_swept_along(
    acme: SimpleNamespace, endpoint: Endpoint
) -> None:
    dead(endpoint, 3)
    acme.api.post(RETRY, DEAD)
    (late,) = dead(endpoint)
    go_on(seconds=60)
    late.refresh_from_db()
    assert (late.status, Replay.objects.get().replayed) == ("dead_letter", 3)


@pytest.mark.usefixtures("parts_of_two")
def test_one_that_is_canceled_goes_no_further(acme: SimpleNamespace, endpoint: Endpoint) -> None:
    dead(endpoint, 5)
    path = f"{REPLAYS}/{acme.api.post(RETRY, DEAD).json()['id']}"
    first, second = acme.api.post(f"{path}/cancel"), acme.api.post(f"{path}/cancel")
    assert (first.status_code, first.json()["state"]) == (200, "canceled")
    assert second.json() == first.json()
    assert go_on(seconds=60) == 0
    assert len(pending()) == 2


@pytest.mark.usefixtures("parts_of_two")
def test_when_its_time_is_over_the_task_begins_no_further_part(
    acme: SimpleNamespace, endpoint: Endpoint
) -> None:
    dead(endpoint, 5)
    acme.api.post(RETRY, DEAD)
    assert go_on(seconds=0.0) == 0
    assert len(pending()) == 2


@pytest.mark.usefixtures("parts_of_two")
def test_two_that_run_take_turns(acme: SimpleNamespace) -> None:
    endpoints = [make_endpoint(acme.organization) for _ in range(2)]
    for endpoint in endpoints:
        dead(endpoint, 5)
        acme.api.post(RETRY, {**DEAD, "endpoint_id": endpoint.pk})
    assert go_on(seconds=60) == 4
    assert set(Replay.objects.values_list("state", "replayed")) == {("done", 5)}


def test_of_many_who_ask_at_once_each_delivery_is_replayed_by_one(committed_acme: SimpleNamespace) -> None:
    dead(make_endpoint(committed_acme.organization), 40)
    answers = at_once([lambda: numbers(committed_acme.api.post(RETRY, DEAD))] * 6)
    assert sum(replayed for _, replayed in answers) == 40
    assert Delivery.objects.filter(manual=True).count() == 0


@pytest.mark.usefixtures("parts_of_two")
def test_many_tasks_at_once_do_each_part_once(committed_acme: SimpleNamespace) -> None:
    dead(make_endpoint(committed_acme.organization), 21)
    committed_acme.api.post(RETRY, DEAD)
    at_once([lambda: go_on(seconds=60)] * 4)
    go_on(seconds=60)
    assert list(Replay.objects.values_list("state", "replayed")) == [("done", 21)]


@pytest.mark.parametrize(("verb", "path"), [("GET", ""), ("POST", "/cancel")])
def test_another_tenants_replay_is_not_there(
    acme: SimpleNamespace, rival: SimpleNamespace, verb: str, path: str
) -> None:
    replay_id = acme.api.post(RETRY, DEAD).json()["id"]
    assert rival.api.send(verb, f"{REPLAYS}/{replay_id}{path}").status_code == 404
    assert rival.api.get(REPLAYS).json()["items"] == []

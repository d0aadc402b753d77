import uuid
from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from deliveries.claim import Claimed, last_served
from deliveries.models import Delivery, Endpoint
from organizations.models import Organization
from tests.concurrency import at_once
from tests.deliveries.engine_room import Connection, claim, claiming, on_a_connection
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_event, make_organization


@pytest.fixture
def organization(committed: None) -> Organization:
    return make_organization()


@pytest.fixture
def endpoint(organization: Organization) -> Endpoint:
    return make_endpoint(organization)


def ids(claimed: list[Claimed]) -> list[uuid.UUID]:
    return [uuid.UUID(delivery.id) for delivery in claimed]


def many(endpoint: Endpoint, number: int) -> None:
    for _ in range(number):
        make_delivery(endpoint)


def test_what_is_claimed_has_all_that_sending_needs(endpoint: Endpoint) -> None:
    event = make_event(endpoint.organization, payload={"n": [1.5, "🦊"]})
    delivery = make_delivery(endpoint, event=event, attempts=2, claim=6)
    (claimed,) = claim()
    event.refresh_from_db()
    assert claimed == Claimed(
        id=str(delivery.pk),
        organization_id=str(endpoint.organization_id),
        event_id=str(event.pk),
        endpoint_id=str(endpoint.pk),
        event_type="order.created",
        claim=7,
        lost_claims=0,
        attempts=2,
        test=False,
        manual=False,
        url=endpoint.url,
        revision=1,
        probed=False,
        payload='{"n": [1.5, "🦊"]}',
        event_created_at=event.created_at,
        claimed_at=claimed.claimed_at,
    )


def test_a_claim_postpones_to_the_end_of_its_lease(endpoint: Endpoint) -> None:
    make_delivery(endpoint)
    claim(lease=60.0)
    delivery = Delivery.objects.get(
        next_attempt_at__gt=Now() + timedelta(seconds=55), next_attempt_at__lte=Now() + timedelta(seconds=60)
    )
    assert delivery.claimed_until == delivery.next_attempt_at
    assert (delivery.claim, delivery.status, delivery.attempts) == (1, "pending", 0)


def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint)
    claim()
    assert claim() == []
    Delivery.objects.update(next_attempt_at=Now(), claimed_until=Now())
    (again,) = claim()
    assert (ids([again]), again.claim) == ([delivery.pk], 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"next_attempt_at": ahead(hours=1)},
        {"status": "failed", "next_attempt_at": ahead(hours=1)},
        {"status": "delivered"},
        {"status": "dead_letter"},
        {"status": "canceled"},
    ],
    ids=lambda fields: fields.get("status", "pending"),
)
def test_what_is_not_due_is_left(endpoint: Endpoint, fields: dict[str, object]) -> None:
    make_delivery(endpoint, **fields)
    assert claim() == []


@pytest.mark.parametrize(
    "fields",
    [{"state": "paused"}, {"state": "disabled"}, {"deleted_at": ago()}],
    ids=["paused", "disabled", "deleted"],
)
def test_who_does_not_take_deliveries_is_left_out(
    organization: Organization, endpoint: Endpoint, fields: dict[str, object]
) -> None:
    make_delivery(make_endpoint(organization, **fields))
    wanted = make_delivery(endpoint)
    assert ids(claim()) == [wanted.pk]


def test_the_longest_due_come_first(endpoint: Endpoint) -> None:
    deliveries = [make_delivery(endpoint, next_attempt_at=ago(seconds=seconds)) for seconds in (10, 30, 20)]
    claim(room=2)
    left = Delivery.objects.filter(claim=0).get()
    assert left == deliveries[0]


def test_what_was_sent_by_hand_is_said_and_no_longer_marked(endpoint: Endpoint) -> None:
    make_delivery(endpoint, manual=True)
    (claimed,) = claim()
    assert claimed.manual is True
    assert Delivery.objects.get().manual is False


# --- Fair ---------------------------------------------------------------------------------------------------------


def test_a_large_backlog_leaves_room_for_a_small_one(organization: Organization, endpoint: Endpoint) -> None:
    many(endpoint, 30)
    small = make_delivery(make_endpoint(organization))
    claimed = claim(most=10, room=8)
    assert len(claimed) == 9
    assert small.pk in ids(claimed)


def test_no_more_than_asked_for_are_claimed(endpoint: Endpoint) -> None:
    many(endpoint, 5)
    assert len(claim(most=3)) == 3
    assert Delivery.objects.filter(claim=1).count() == 3


def test_an_endpoint_gets_no_more_than_it_has_room_for(organization: Organization) -> None:
    full, narrow, wide, unknown = (make_endpoint(organization) for _ in range(4))
    for endpoint in (full, narrow, wide, unknown):
        many(endpoint, 12)
    claimed = claim(room=3, rooms={str(full.pk): 0, str(narrow.pk): 1, str(wide.pk): 10})
    counts = {
        endpoint: sum(c.endpoint_id == str(endpoint.pk) for c in claimed)
        for endpoint in Endpoint.objects.all()
    }
    assert counts == {full: 0, narrow: 1, wide: 10, unknown: 3}


def test_the_walk_goes_round_from_after_who_was_served_last(organization: Organization) -> None:
    first, second, third = sorted((make_endpoint(organization) for _ in range(3)), key=lambda e: e.pk)
    for endpoint in (first, second, third):
        many(endpoint, 9)
    served = [str(second.pk)]
    for _ in range(3):
        claimed = claim(most=1, start=served[-1])
        served.append(last_served(claimed, start=served[-1]))
    assert served[1:] == [str(third.pk), str(first.pk), str(second.pk)]


@pytest.mark.parametrize(
    ("endpoints", "last"), [([], "b"), (["c"], "c"), (["c", "d"], "d"), (["c", "a"], "a"), (["c", "b"], "b")]
)
def test_who_was_served_last_is_where_the_round_came_to_its_end(endpoints: list[str], last: str) -> None:
    class Served:
        def __init__(self, endpoint_id: str) -> None:
            self.endpoint_id = endpoint_id

    assert last_served([Served(endpoint) for endpoint in endpoints], start="b") == last  # type: ignore[misc]


# --- Several at once ----------------------------------------------------------------------------------------------


def test_what_another_is_claiming_is_passed_over_without_waiting(endpoint: Endpoint) -> None:
    many(endpoint, 6)

    async def both(first: Connection) -> tuple[list[Claimed], list[Claimed]]:
        second = await type(first).connect(first.info.dsn, autocommit=True)
        async with first.transaction():
            mine = await claiming(first, most=4)
            theirs = await claiming(second, most=4)
        await second.close()
        return mine, theirs

    mine, theirs = on_a_connection(both)
    assert (len(mine), len(theirs)) == (4, 2)
    assert not set(ids(mine)) & set(ids(theirs))


def test_many_at_once_claim_each_delivery_once(endpoint: Endpoint, organization: Organization) -> None:
    for place in (endpoint, make_endpoint(organization)):
        many(place, 40)
    found = at_once([lambda: ids(claim(most=30, room=30))] * 8)
    claimed = [delivery_id for batch in found for delivery_id in batch]
    assert len(claimed) == len(set(claimed)) == 80
    assert not Delivery.objects.exclude(claim=1).exists()


def test_the_database_and_its_clock_decide_what_is_due(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint)
    Delivery.objects.update(next_attempt_at=Now() + timedelta(seconds=0.05))
    assert claim() == []
    Delivery.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=1))
    assert ids(claim()) == [delivery.pk]


def test_who_has_its_share_of_the_places_is_passed_over(
    organization: Organization, endpoint: Endpoint
) -> None:
    make_delivery(endpoint)
    stranger = make_endpoint(make_organization())
    make_delivery(stranger)
    crowded = [str(endpoint.organization_id)]
    assert [delivery.endpoint_id for delivery in claim(crowded=crowded)] == [str(stranger.pk)]

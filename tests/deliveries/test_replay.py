import pytest
from django.db import transaction
from django.db.models.functions import Now

from deliveries.models import Delivery, Endpoint
from deliveries.replay import replay_event, send_again
from events.models import Event
from organizations.models import Organization
from tests.concurrency import at_once, in_another_thread, open_transaction, until_somebody_waits_for_a_lock
from tests.deliveries.engine_room import claim
from tests.factories import ago, ahead, due, make_delivery, make_endpoint, make_event, make_organization

SETTLED = ["delivered", "dead_letter", "canceled"]


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization()


@pytest.fixture
def endpoint(organization: Organization) -> Endpoint:
    return make_endpoint(organization)


@pytest.fixture
def committed_endpoint(committed: None) -> Endpoint:
    return make_endpoint(make_organization())


def went_to(event: Event) -> set[Endpoint]:
    return {delivery.endpoint for delivery in Delivery.objects.filter(event=event)}


# --- One delivery, whatever its state -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", SETTLED)
def test_what_is_settled_starts_again_with_all_its_attempts(endpoint: Endpoint, status: str) -> None:
    delivery = make_delivery(endpoint, status=status, attempts=5, claim=7)
    assert send_again(Delivery.objects.all()) == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.settled_at) == ("pending", 0, None)
    assert (delivery.claim, delivery.manual, delivery.resume_at) == (7, False, None)
    assert due().get() == delivery


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_what_waits_is_sent_now_and_its_plan_is_kept(endpoint: Endpoint, status: str) -> None:
    planned = ahead(hours=2)
    delivery = make_delivery(endpoint, status=status, attempts=2, next_attempt_at=planned)
    assert send_again(Delivery.objects.all()) == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.manual) == (status, 2, True)
    assert delivery.resume_at == planned
    assert due().get() == delivery


def test_what_is_being_sent_is_only_marked(endpoint: Endpoint) -> None:
    lease = ahead(seconds=45)
    delivery = make_delivery(endpoint, claim=1, next_attempt_at=lease, claimed_until=lease)
    assert send_again(Delivery.objects.all()) == 1
    delivery.refresh_from_db()
    assert (delivery.manual, delivery.next_attempt_at, delivery.claimed_until) == (True, lease, lease)


def test_what_was_being_sent_by_a_worker_that_died_is_sent_now(endpoint: Endpoint) -> None:
    delivery = make_delivery(endpoint, claim=1, next_attempt_at=ahead(hours=1), claimed_until=ago(seconds=1))
    send_again(Delivery.objects.all())
    assert due().get() == delivery


@pytest.mark.parametrize(
    "fields", [{"status": "failed"}, {"claimed_until": ahead(hours=1)}], ids=["waits", "flies"]
)
def test_pressing_twice_changes_nothing_the_second_time(
    endpoint: Endpoint, fields: dict[str, object]
) -> None:
    make_delivery(endpoint, next_attempt_at=ahead(hours=1), **fields)
    send_again(Delivery.objects.all())
    before = Delivery.objects.values().get()
    assert send_again(Delivery.objects.all()) == 0
    assert Delivery.objects.values().get() == before


def test_two_who_press_at_once_send_once(committed_endpoint: Endpoint) -> None:
    make_delivery(committed_endpoint, status="dead_letter")
    moved = at_once([lambda: send_again(Delivery.objects.filter(status="dead_letter"))] * 8)
    assert sorted(moved) == [0] * 7 + [1]


def test_who_presses_while_another_does_moves_nothing(committed_endpoint: Endpoint) -> None:
    make_delivery(committed_endpoint, status="dead_letter")
    with open_transaction():
        assert Delivery.objects.all().replay() == 1
        with in_another_thread(lambda: Delivery.objects.all().replay()) as second:
            until_somebody_waits_for_a_lock()
            transaction.commit()
    assert second.result() == 0


# --- One event ----------------------------------------------------------------------------------------------------


def test_an_event_goes_again_to_all_it_went_to(organization: Organization) -> None:
    event = make_event(organization)
    for status in ("delivered", "dead_letter", "canceled"):
        make_delivery(make_endpoint(organization), event=event, status=status)
    assert replay_event(event) == 3
    assert due().filter(status="pending").count() == 3


def test_an_event_goes_to_endpoints_that_were_added_later_and_want_it(organization: Organization) -> None:
    event = make_event(organization, event_type="order.created")
    wants = make_endpoint(organization, event_types=["order.*"])
    make_endpoint(organization, event_types=["invoice.*"])
    assert replay_event(event) == 1
    assert went_to(event) == {wants}


def test_an_event_can_be_sent_to_one_endpoint_alone(organization: Organization) -> None:
    event = make_event(organization)
    one, other = (
        make_delivery(make_endpoint(organization), event=event, status="delivered") for _ in range(2)
    )
    assert replay_event(event, endpoint=one.endpoint) == 1
    assert due().get() == one
    other.refresh_from_db()
    assert other.status == "delivered"


def test_an_endpoint_that_is_named_gets_it_whatever_it_wants(organization: Organization) -> None:
    event = make_event(organization, event_type="order.created")
    named = make_endpoint(organization, event_types=["invoice.*"])
    assert replay_event(event, endpoint=named) == 1
    assert went_to(event) == {named}


@pytest.mark.parametrize("status", ["pending", "canceled", "delivered"])
def test_a_deleted_endpoint_gets_nothing_again(endpoint: Endpoint, status: str) -> None:
    delivery = make_delivery(endpoint, status=status)
    Endpoint.objects.update(deleted_at=Now())
    assert send_again(Delivery.objects.all()) == 0
    assert replay_event(delivery.event) == 0
    delivery.refresh_from_db()
    assert (delivery.status, delivery.manual) == (status, False)


def test_other_events_stay_where_they_are(endpoint: Endpoint) -> None:
    other = make_delivery(endpoint, status="dead_letter")
    replay_event(make_delivery(endpoint, status="dead_letter").event)
    other.refresh_from_db()
    assert other.status == "dead_letter"


def test_nothing_goes_to_another_tenants_endpoint(organization: Organization) -> None:
    make_endpoint(make_organization())
    assert replay_event(make_event(organization)) == 0


def test_two_who_replay_an_event_at_once_replay_it_once(committed_endpoint: Endpoint) -> None:
    event = make_delivery(committed_endpoint, status="dead_letter").event
    with open_transaction():
        assert replay_event(event) == 1
        with in_another_thread(lambda: replay_event(event)) as second:
            until_somebody_waits_for_a_lock()
            transaction.commit()
    assert second.result() == 0


def test_two_who_replay_to_an_endpoint_added_later_make_one_delivery(committed_endpoint: Endpoint) -> None:
    event = make_event(committed_endpoint.organization)
    moved = at_once([lambda: replay_event(event)] * 8)
    assert sum(moved) >= 1
    assert Delivery.objects.filter(event=event).count() == 1


def test_what_is_replayed_is_claimed_under_a_new_number(committed_endpoint: Endpoint) -> None:
    make_delivery(committed_endpoint, status="dead_letter", attempts=5, claim=5)
    send_again(Delivery.objects.all())
    (claimed,) = claim()
    assert (claimed.claim, claimed.attempts, claimed.manual) == (6, 0, False)

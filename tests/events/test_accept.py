import uuid
from datetime import timedelta
from types import SimpleNamespace

import msgspec
import pytest
from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models.functions import Now

from deliveries.fan_out import FAN_OUT
from deliveries.models import Delivery
from events.accept import Accepted, Posted, accept_all, accept_event
from events.errors import DuplicateEvent, NoEndpoint
from events.models import Event, OnceKey
from organizations.errors import InvalidBody
from organizations.models import Organization
from tests.concurrency import at_once, in_another_thread, open_transaction, until_somebody_waits_for_a_lock
from tests.factories import incoming, make_endpoint, make_organization

# jsonb's numbers end at 131,072 digits: only PostgreSQL knows that it can't store this.
NOT_STORABLE = msgspec.Raw(b"1" * 131_073)


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization(inbox_only=True)


@pytest.fixture
def committed_organization(committed: None) -> Organization:
    return make_organization(inbox_only=True)


def accept(organization: Organization, **fields: object) -> Accepted:
    return accept_event(organization, incoming(**fields), fan_out=FAN_OUT)


def accept_batch(organization: Organization, *dedup_ids: str | None) -> list[object]:
    events = [incoming(dedup_id=dedup_id) for dedup_id in dedup_ids]
    return list(accept_all([Posted(organization, event) for event in events], fan_out=FAN_OUT))


def test_an_event_is_stored_as_it_was_accepted(organization: Organization) -> None:
    accepted = accept(organization, event_type="order.created", payload={"n": [1, None]}, dedup_id="d")
    event = Event.objects.get()
    assert accepted == Accepted(str(event.pk), "order.created", "d", event.created_at)
    assert (event.organization, event.type, event.payload) == (
        organization,
        "order.created",
        {"n": [1, None]},
    )
    assert (event.dedup_id, event.acknowledged_at) == ("d", None)


def test_ids_are_uuids_of_version_7_in_the_order_of_a_batch(organization: Organization) -> None:
    ids = [accepted.id for accepted in accept_batch(organization, *[None] * 50)]
    assert {uuid.UUID(event_id).version for event_id in ids} == {7}
    assert ids == sorted(ids)


def test_each_endpoint_gets_a_delivery_that_is_due_at_once(organization: Organization) -> None:
    endpoints = [make_endpoint(organization) for _ in range(2)]
    accepted = accept(organization)
    found = Delivery.objects.filter(next_attempt_at__lte=Now(), status="pending", attempts=0, claim=0)
    assert set(found.values_list("event_id", "endpoint_id", "event_type")) == {
        (uuid.UUID(accepted.id), endpoint.pk, "order.created") for endpoint in endpoints
    }


def test_without_endpoint_nothing_is_stored(db: None) -> None:
    with pytest.raises(NoEndpoint):
        accept(make_organization(), dedup_id="d")
    assert not Event.objects.exists()
    assert not OnceKey.objects.exists()


def test_a_deleted_endpoint_is_none(db: None) -> None:
    organization = make_organization()
    make_endpoint(organization, deleted_at=Now())
    with pytest.raises(NoEndpoint):
        accept(organization)


def test_what_the_database_can_not_store_is_refused_and_stores_nothing(
    committed_organization: Organization,
) -> None:
    with pytest.raises(InvalidBody) as caught:
        accept(committed_organization, payload=NOT_STORABLE, dedup_id="d")
    assert caught.value.fields == [("#/payload", "This holds a value that the database can't store.")]
    assert not Event.objects.exists()
    assert not OnceKey.objects.exists()


# --- Once ---------------------------------------------------------------------------------------------------------


def test_a_second_event_with_the_same_dedup_id_is_told_of_the_first(organization: Organization) -> None:
    first = accept(organization, dedup_id="d")
    with pytest.raises(DuplicateEvent) as caught:
        accept(organization, dedup_id="d")
    assert caught.value.event_id == first.id
    assert Event.objects.count() == 1


def test_a_duplicate_makes_no_delivery(organization: Organization) -> None:
    accept(organization, dedup_id="d")
    make_endpoint(organization)
    with pytest.raises(DuplicateEvent):
        accept(organization, dedup_id="d")
    assert not Delivery.objects.exists()


def test_a_dedup_id_is_the_tenants_own(organization: Organization) -> None:
    other = make_organization(inbox_only=True)
    accept(organization, dedup_id="d")
    assert accept(other, dedup_id="d").dedup_id == "d"


def test_events_without_dedup_id_are_never_duplicates(organization: Organization) -> None:
    accept_batch(organization, None, None, None)
    assert Event.objects.count() == 3


def test_a_dedup_id_is_held_for_exactly_24_hours(organization: Organization) -> None:
    accepted = accept(organization, dedup_id="d")
    assert OnceKey.objects.get().expires_at == accepted.created_at + timedelta(hours=24)


def test_a_dedup_id_is_held_until_the_last_moment(organization: Organization) -> None:
    accept(organization, dedup_id="d")
    OnceKey.objects.update(expires_at=Now() + timedelta(seconds=5))
    with pytest.raises(DuplicateEvent):
        accept(organization, dedup_id="d")


def test_a_dedup_id_is_free_again_and_then_held_anew(organization: Organization) -> None:
    accept(organization, dedup_id="d")
    OnceKey.objects.update(expires_at=TransactionNow())
    second = accept(organization, dedup_id="d")
    held = OnceKey.objects.get()
    assert (str(held.event_id), held.expires_at) == (second.id, second.created_at + timedelta(hours=24))
    assert Event.objects.count() == 2


def test_of_fifty_at_once_exactly_one_is_accepted(committed_organization: Organization) -> None:
    outcomes = at_once([lambda: accept(committed_organization, dedup_id="d")] * 50)
    (accepted,) = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    refused = [outcome.event_id for outcome in outcomes if isinstance(outcome, DuplicateEvent)]
    assert refused == [accepted.id] * 49
    assert str(Event.objects.get().pk) == accepted.id


def test_of_fifty_at_once_one_takes_over_a_dedup_id_that_is_free_again(
    committed_organization: Organization,
) -> None:
    accept(committed_organization, dedup_id="d")
    OnceKey.objects.update(expires_at=Now())
    outcomes = at_once([lambda: accept(committed_organization, dedup_id="d")] * 50)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Accepted"] + ["DuplicateEvent"] * 49
    assert Event.objects.count() == 2


def test_when_the_first_is_rolled_back_the_one_that_waited_is_accepted(
    committed_organization: Organization,
) -> None:
    with open_transaction():
        accept(committed_organization, dedup_id="d")
        with in_another_thread(lambda: accept(committed_organization, dedup_id="d")) as second:
            until_somebody_waits_for_a_lock()
            transaction.rollback()
    assert str(Event.objects.get().pk) == second.result().id


# --- Batches ------------------------------------------------------------------------------------------------------


def test_a_batch_says_of_each_event_in_order_what_became_of_it(organization: Organization) -> None:
    before = accept(organization, dedup_id="old")
    outcomes = accept_batch(organization, None, "old", "new", "new", "old")
    assert [type(outcome) for outcome in outcomes] == [
        Accepted,
        DuplicateEvent,
        Accepted,
        DuplicateEvent,
        DuplicateEvent,
    ]
    assert [outcomes[1].event_id, outcomes[3].event_id, outcomes[4].event_id] == [
        before.id,
        outcomes[2].id,
        before.id,
    ]
    assert Event.objects.count() == 3


def test_an_empty_batch_stores_nothing(organization: Organization) -> None:
    assert accept_batch(organization) == []


def test_one_event_that_can_not_be_stored_spoils_no_other(committed_organization: Organization) -> None:
    events = [
        incoming(dedup_id="a"),
        incoming(dedup_id="b", payload=NOT_STORABLE),
        incoming(dedup_id="b"),
        incoming(dedup_id="a"),
    ]
    outcomes = accept_all([Posted(committed_organization, event) for event in events], fan_out=FAN_OUT)
    assert [type(outcome) for outcome in outcomes] == [Accepted, InvalidBody, Accepted, DuplicateEvent]
    assert set(Event.objects.values_list("pk", flat=True)) == {
        uuid.UUID(outcomes[0].id),
        uuid.UUID(outcomes[2].id),
    }


def test_batches_with_the_same_keys_in_opposite_order_never_lock_each_other_out(
    committed_organization: Organization,
) -> None:
    def batch(*dedup_ids: str) -> list[object]:
        return accept_batch(committed_organization, *dedup_ids)

    with open_transaction():
        accept(
            committed_organization, dedup_id="held"
        )  # both wait here, after what comes before it in their order
        with (
            in_another_thread(lambda: batch("x", "held", "y")) as one,
            in_another_thread(lambda: batch("y", "held", "x")) as other,
        ):
            until_somebody_waits_for_a_lock(2)
            transaction.rollback()
    outcomes = [*one.result(), *other.result()]
    assert sorted(found.dedup_id for found in outcomes if isinstance(found, Accepted)) == ["held", "x", "y"]
    assert sum(isinstance(found, DuplicateEvent) for found in outcomes) == 3


def test_what_was_accepted_is_seen_by_others(committed_acme: SimpleNamespace) -> None:
    make_endpoint(committed_acme.organization)
    event_id = committed_acme.api.post("/api/events", {"type": "a", "payload": 1}).json()["id"]
    with in_another_thread(lambda: list(Delivery.objects.values_list("event_id", flat=True))) as seen:
        assert seen.result() == [uuid.UUID(event_id)]


# --- Those of many tenants at once --------------------------------------------------------------------------------


def posted(*wanted: tuple[Organization, dict[str, object]]) -> list[object]:
    events = [Posted(organization, incoming(**fields)) for organization, fields in wanted]
    return list(accept_all(events, fan_out=FAN_OUT))


def test_each_event_goes_to_its_own_tenants_endpoints(db: None) -> None:
    first, second = make_organization(), make_organization()
    endpoints = {organization.pk: make_endpoint(organization).pk for organization in (first, second)}
    one, other = posted((first, {}), (second, {}))
    assert isinstance(one, Accepted)
    assert isinstance(other, Accepted)
    found = Delivery.objects.values_list("event_id", "organization_id", "endpoint_id")
    assert set(found) == {
        (uuid.UUID(one.id), first.pk, endpoints[first.pk]),
        (uuid.UUID(other.id), second.pk, endpoints[second.pk]),
    }


def test_a_dedup_id_is_each_tenants_own_among_those_that_come_together(organization: Organization) -> None:
    other = make_organization(inbox_only=True)
    first, again, others = posted(
        *[(whose, {"dedup_id": "d"}) for whose in (organization, organization, other)]
    )
    assert isinstance(first, Accepted)
    assert isinstance(again, DuplicateEvent)
    assert isinstance(others, Accepted)
    assert again.event_id == first.id


def test_who_has_no_endpoint_is_in_nobodys_way(organization: Organization) -> None:
    without = make_organization()
    refused, accepted, again = posted((without, {"dedup_id": "d"}), (organization, {}), (without, {}))
    assert [type(refused), type(accepted), type(again)] == [NoEndpoint, Accepted, NoEndpoint]
    assert Event.objects.get().organization == organization
    assert not OnceKey.objects.exists()


def test_what_can_not_be_stored_is_in_nobodys_way(organization: Organization) -> None:
    others = [make_organization(inbox_only=True) for _ in range(6)]
    wanted: list[tuple[Organization, dict[str, object]]] = [(other, {}) for other in others]
    wanted.insert(3, (organization, {"payload": NOT_STORABLE}))
    outcomes = posted(*wanted)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3 + [InvalidBody] + [Accepted] * 3
    assert set(Event.objects.values_list("organization_id", flat=True)) == {other.pk for other in others}


def test_a_tenant_that_is_not_there_any_more_is_in_nobodys_way(organization: Organization) -> None:
    gone = make_organization(inbox_only=True)
    Organization.objects.filter(pk=gone.pk).delete()
    refused, accepted = posted((gone, {}), (organization, {}))
    assert [type(refused), type(accepted)] == [NoEndpoint, Accepted]


def test_two_that_hold_each_others_dedup_ids_wait_and_never_in_a_circle(committed: None) -> None:
    first, second = (make_organization(inbox_only=True) for _ in range(2))

    def both(*organizations: Organization) -> list[object]:
        return posted(
            *[(organization, {"dedup_id": f"d{n}"}) for n in range(5) for organization in organizations]
        )

    outcomes = at_once([lambda: both(first, second), lambda: both(second, first)] * 5)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert Event.objects.count() == 10

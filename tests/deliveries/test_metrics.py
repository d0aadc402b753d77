import time

import pytest
from prometheus_client import REGISTRY

from deliveries.ring import ring
from organizations.models import Organization
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import Behaviour, Conversation, answers, receiving
from tests.factories import make_delivery, make_endpoint
from tests.figures import growth


def deliver(organization: Organization, behaviour: Behaviour) -> None:
    with receiving(behaviour) as receiver:
        make_delivery(make_endpoint(organization, url=receiver.url))
        run_engine(schedule=[0])


@pytest.mark.parametrize(
    ("status_code", "name", "labels", "number"),
    [
        (204, "triggers_attempts_total", {"outcome": "delivered"}, 1),
        (500, "triggers_attempts_total", {"outcome": "rejected"}, 2),
        (204, "triggers_deliveries_total", {"status": "delivered"}, 1),
        (500, "triggers_deliveries_total", {"status": "dead_letter"}, 1),
        (500, "triggers_attempt_seconds_count", {}, 2),
        (204, "triggers_accept_to_delivered_seconds_count", {}, 1),
        (500, "triggers_accept_to_delivered_seconds_count", {}, 0),
    ],
)
def test_attempts_and_what_they_came_to_are_counted(
    committed_organization: Organization, status_code: int, name: str, labels: dict[str, str], number: int
) -> None:
    assert growth(name, lambda: deliver(committed_organization, answers(status_code)), **labels) == number


@pytest.mark.parametrize(("status_code", "status"), [(204, "delivered"), (500, "dead_letter")])
def test_by_tenant_if_that_is_asked_for(
    committed_organization: Organization, settings: pytest.FixtureDef, status_code: int, status: str
) -> None:
    name, labels = "triggers_tenant_deliveries_total", {"organization_id": str(committed_organization.pk)}
    labels["status"] = status
    once = lambda: deliver(committed_organization, answers(status_code))  # noqa: E731
    assert growth(name, once, **labels) == 0
    settings.METRICS_BY_TENANT = True
    assert growth(name, once, **labels) == 1


def test_how_long_it_took_is_counted_in_seconds(committed_organization: Organization) -> None:
    def dawdle(conversation: Conversation) -> None:
        time.sleep(0.2)
        answers(204)(conversation)

    began = time.monotonic()
    seconds = growth("triggers_attempt_seconds_sum", lambda: deliver(committed_organization, dawdle))
    assert 0.2 <= seconds <= time.monotonic() - began


def test_when_all_have_landed_none_is_in_flight(committed_organization: Organization) -> None:
    deliver(committed_organization, answers(204))
    assert REGISTRY.get_sample_value("triggers_sends_in_flight") == 0


def test_rings_are_counted_by_what_came_of_them() -> None:
    assert growth("triggers_rings_total", ring, outcome="sent") == 1
    assert growth("triggers_rings_total", ring, outcome="already_ringing") == 1

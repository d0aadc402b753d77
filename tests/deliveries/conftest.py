import pytest

from deliveries.models import Delivery
from organizations.models import Organization
from tests.deliveries.engine_room import Row, SendOne, run_engine
from tests.deliveries.receiver import Behaviour, Request, receiving
from tests.factories import make_delivery, make_endpoint, make_organization


@pytest.fixture
def committed_organization(committed: None) -> Organization:
    return make_organization()


@pytest.fixture
def send_one(committed_organization: Organization) -> SendOne:
    """Makes a delivery, runs the engine against a receiver of that behaviour; the delivery after, and what came."""

    def run(
        behaviour: Behaviour, *, rules: Row | None = None, **fields: object
    ) -> tuple[Delivery, list[Request]]:
        with receiving(behaviour) as receiver:
            delivery = make_delivery(make_endpoint(committed_organization, url=receiver.url), **fields)
            run_engine(**rules or {})
        delivery.refresh_from_db()
        return delivery, receiver.requests

    return run

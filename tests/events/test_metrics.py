from collections.abc import Callable
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from organizations.limits import Budget, spend
from organizations.models import Organization
from tests.figures import growth

pytestmark = pytest.mark.usefixtures("door")

EVENT = {"type": "order.created", "payload": 1}


def test_accepted_events_are_counted_by_tier(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    batch = {"events": [EVENT] * 3}
    accepted = growth(
        "triggers_events_accepted_total", lambda: acme.api.post("/api/events/batch", batch), tier="free"
    )
    assert accepted == 3


def test_duplicates_are_counted(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    batch = {"events": [{**EVENT, "dedup_id": "d"}] * 3}
    assert growth("triggers_events_duplicate_total", lambda: acme.api.post("/api/events/batch", batch)) == 2


def test_events_of_a_batch_that_do_not_fit_are_counted(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    batch = {"events": [EVENT, {}, {"type": 5}]}
    rejected = growth(
        "triggers_events_rejected_total", lambda: acme.api.post("/api/events/batch", batch), reason="invalid"
    )
    assert rejected == 2


def refused(call: Callable[[], object], reason: str) -> float:
    return growth("triggers_events_rejected_total", call, reason=reason)


def test_events_that_are_refused_alone_are_counted_by_why(acme: SimpleNamespace) -> None:
    assert refused(lambda: acme.api.post("/api/events", EVENT), "no_endpoint") == 1
    Organization.objects.update(inbox_only=True)
    assert refused(lambda: acme.api.post("/api/events", {"type": 5}), "invalid") == 1
    assert refused(lambda: acme.api.post("/api/events", b"{"), "invalid") == 1
    assert refused(lambda: acme.api.post("/api/events/batch", {"events": []}), "invalid") == 1


def test_events_over_the_limit_are_counted(acme: SimpleNamespace) -> None:
    spend(Budget(f"events:{acme.organization.pk}", 100), 100)
    assert refused(lambda: acme.api.post("/api/events", EVENT), "over_limit") == 1


def test_a_duplicate_is_no_other_refusal(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    twice = {**EVENT, "dedup_id": "d"}
    acme.api.post("/api/events", twice)
    before = sum_of("triggers_events_rejected_total")
    assert growth("triggers_events_duplicate_total", lambda: acme.api.post("/api/events", twice)) == 1
    assert sum_of("triggers_events_rejected_total") == before


def sum_of(name: str) -> float:
    return sum(s.value for metric in REGISTRY.collect() for s in metric.samples if s.name == name)


@pytest.mark.parametrize(("switched_on", "number"), [(True, 2), (False, 0)])
def test_tenants_are_counted_only_when_it_is_asked_for(
    acme: SimpleNamespace, settings: pytest.FixtureDef, switched_on: bool, number: int
) -> None:
    settings.METRICS_BY_TENANT = switched_on
    Organization.objects.update(inbox_only=True)
    grown = growth(
        "triggers_tenant_events_accepted_total",
        lambda: acme.api.post("/api/events/batch", {"events": [EVENT] * 2}),
        organization_id=str(acme.organization.pk),
    )
    assert grown == number

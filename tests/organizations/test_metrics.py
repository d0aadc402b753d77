from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from organizations.limits import Budget, spend
from organizations.models import Organization
from tests.calls import Caller
from tests.figures import growth

EVENT = {"type": "order.created", "payload": 1}
# What an operator may tell apart. A tenant, a key or an address would make figures without end.
BOUNDED = {"outcome", "reason", "status", "task", "tier", "what", "why", "le"}
BY_TENANT = "triggers_tenant_"  # only with METRICS_BY_TENANT


def test_no_figure_of_ours_is_kept_for_each_tenant() -> None:
    names = {
        name
        for metric in REGISTRY.collect()
        if metric.name.startswith("triggers_") and not metric.name.startswith(BY_TENANT)
        for sample in metric.samples
        for name in sample.labels
    }
    assert names <= BOUNDED


def test_keys_are_counted_by_what_came_of_them(acme: SimpleNamespace, anyone: Caller) -> None:
    name = "triggers_key_checks_total"
    assert growth(name, lambda: acme.api.get("/api/keys"), outcome="valid") == 1
    assert growth(name, lambda: anyone.get("/api/keys"), outcome="refused") == 1


def test_refusals_over_the_limit_are_counted_by_tier(acme: SimpleNamespace) -> None:
    Organization.objects.update(inbox_only=True)
    spend(Budget(f"events:{acme.organization.pk}", 100), 100)
    refusals = growth(
        "triggers_limit_refusals_total", lambda: acme.api.post("/api/events", EVENT), tier="free"
    )
    assert refusals == 1


@pytest.mark.usefixtures("no_redis")
def test_what_goes_on_without_redis_is_counted() -> None:
    assert growth("triggers_limit_fallbacks_total", lambda: spend(Budget("test", 1))) == 1
    assert growth("triggers_redis_failures_total", lambda: spend(Budget("test", 1)), what="limits") == 1

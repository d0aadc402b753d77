from types import SimpleNamespace

import pytest

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

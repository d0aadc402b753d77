from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from organizations.models import Organization

OPEN = ("pending", "failed")
SETTLED = ("delivered", "dead_letter", "canceled")


class EndpointQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> EndpointQuerySet:
        return self.filter(organization=organization)

    def present(self) -> EndpointQuerySet:
        """Not deleted."""
        return self.filter(deleted_at__isnull=True)

    def default(self) -> EndpointQuerySet:
        return self.present().filter(is_default=True)

    def with_work(self) -> EndpointQuerySet:
        """Enabled, and something is due there: one look into `delivery_open` for each, however much waits elsewhere."""
        waiting = apps.get_model("deliveries", "Delivery").objects.filter(
            endpoint=OuterRef("pk"), status__in=OPEN, next_attempt_at__lte=Now()
        )
        return self.present().filter(Exists(waiting), state="enabled")

    # Moves. Each returns how many rows moved.

    def pause(self) -> int:
        return self.present().filter(state="enabled").update(state="paused")

    def resume(self) -> int:
        """Enables what was paused or disabled; what waits for it becomes due as it was."""
        return self.present().exclude(state="enabled").update(state="enabled", disabled_reason="")


class DeliveryQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> DeliveryQuerySet:
        return self.filter(organization=organization)

    def open(self) -> DeliveryQuerySet:
        return self.filter(status__in=OPEN)

    def orphaned(self, within: timedelta) -> DeliveryQuerySet:
        """Open, though the endpoint was deleted, no longer ago than `within`: accepted while it was being deleted."""
        gone = apps.get_model("deliveries", "Endpoint").objects.filter(deleted_at__gt=Now() - within)
        return self.open().filter(endpoint__in=gone)

    def dead(self) -> DeliveryQuerySet:
        return self.filter(status="dead_letter")

    def matching(
        self,
        *,
        status: str | None = None,
        endpoint_id: uuid.UUID | None = None,
        event_id: uuid.UUID | None = None,
        event_type: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> DeliveryQuerySet:
        """Created at or after `since` and before `until`; None means any."""
        wanted = {
            "status": status,
            "endpoint_id": endpoint_id,
            "event_id": event_id,
            "event_type": event_type,
            "created_at__gte": since,
            "created_at__lt": until,
        }
        return self.filter(**{name: value for name, value in wanted.items() if value is not None})

    # Moves. Each returns how many rows moved.

    def send_now(self) -> int:
        """What is open is tried at once, by hand: should that fail, its automatic retries go on as planned.

        What is being sent at this moment is marked, and should that fail, sent again at once. Pressing twice before
        it is sent changes nothing the second time.
        """
        waiting = self.open().filter(manual=False)
        in_flight = Q(claimed_until__gt=Now())
        marked = waiting.filter(in_flight).update(manual=True)
        return marked + waiting.exclude(in_flight).update(
            manual=True,
            resume_at=F("next_attempt_at"),
            next_attempt_at=Now(),
            claimed_until=None,
        )

    def replay(self) -> int:
        """What is settled starts again, with all its attempts."""
        return self.exclude(status__in=OPEN).update(
            status="pending",
            attempts=0,
            next_attempt_at=Now(),
            settled_at=None,
            claimed_until=None,
            manual=False,
            resume_at=None,
        )

    def cancel(self) -> int:
        """What is open will not be sent. What is on the wire now can't be called back; its answer is still noted."""
        return self.open().update(status="canceled", settled_at=Now(), next_attempt_at=None, manual=False)

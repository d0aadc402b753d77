from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from organizations.querysets import newest_of
from organizations.uuid7 import SLACK, id_bounds

if TYPE_CHECKING:
    from organizations.models import Organization

OPEN = ("pending", "failed")
CLOSED_CIRCUIT = {"circuit": "closed", "probe_at": None, "probe_wait": 0}
SETTLED = ("delivered", "dead_letter", "canceled")
DISCARDED = "Discarded: "  # and why


class EndpointQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> EndpointQuerySet:
        return self.filter(organization=organization)

    def present(self) -> EndpointQuerySet:
        """Not deleted."""
        return self.filter(deleted_at__isnull=True)

    def deleted(self, within: timedelta) -> EndpointQuerySet:
        """No longer ago than that."""
        return self.filter(deleted_at__gt=Now() - within)

    def with_bare_url(self) -> EndpointQuerySet:
        """`bare_url`: without the query, which may hold a token. Only in that may be searched, or one could guess it
        letter by letter."""
        bare = models.Func(F("url"), models.Value("?"), models.Value(1), function="split_part")
        return self.annotate(bare_url=models.ExpressionWrapper(bare, models.TextField()))

    def default(self) -> EndpointQuerySet:
        return self.present().filter(is_default=True)

    def failing_for(self, duration: timedelta) -> EndpointQuerySet:
        """Nothing but failures for so long, and enough of them to have opened the circuit."""
        return self.present().filter(failing_since__lt=Now() - duration).exclude(circuit="closed")

    def to_announce(self) -> EndpointQuerySet:
        """Disabled by us, and nobody was told yet."""
        return self.present().filter(state="disabled", disabled_at__isnull=False, announced_at__isnull=True)

    def asking_for(self, event_type: str) -> EndpointQuerySet:
        """That name this type, or all of its kind; `[]`, which is all of the tenant's own, does not ask for ours."""
        kind = event_type.partition(".")[0] + ".*"
        return self.present().filter(event_types__overlap=[event_type, kind])

    def with_work(self) -> EndpointQuerySet:
        """Enabled, and something is due there: one look into `delivery_open` for each, however much waits elsewhere."""
        waiting = apps.get_model("deliveries", "Delivery").objects.filter(
            endpoint=OuterRef("pk"), status__in=OPEN, next_attempt_at__lte=Now()
        )
        gate_is_open = (Q(circuit="closed") | Q(probe_at__lte=Now())) & (
            Q(max_per_second=None) | Q(paced_until=None) | Q(paced_until__lte=Now())
        )
        return self.present().filter(gate_is_open, Exists(waiting), state="enabled")

    # Moves. Each returns how many rows moved.

    def pause(self) -> int:
        return self.present().filter(state="enabled").update(state="paused")

    def resume(self) -> int:
        """Enables what was paused or disabled; what waits for it becomes due as it was."""
        return (
            self.present()
            .exclude(state="enabled")
            .update(
                state="enabled",
                disabled_reason="",
                disabled_at=None,
                announced_at=None,
                failing_since=None,
                **CLOSED_CIRCUIT,
            )
        )

    def disable(self, reason: str) -> int:
        """Its deliveries are kept, and wait until it is resumed."""
        return (
            self.present()
            .filter(state="enabled")
            .update(state="disabled", disabled_reason=reason, disabled_at=Now(), announced_at=None)
        )


class DeliveryQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> DeliveryQuerySet:
        return self.filter(organization=organization)

    def newest_of(self, organization: Organization) -> DeliveryQuerySet:
        """The organization's, newest first, by an index that begins with it (`organizations/querysets.py`)."""
        return newest_of(self, organization)

    def open(self) -> DeliveryQuerySet:
        return self.filter(status__in=OPEN)

    def dead(self) -> DeliveryQuerySet:
        return self.filter(status="dead_letter")

    def having_status(self, status: str, organization: Organization) -> DeliveryQuerySet:
        """Of the organization's. What is open is indexed by endpoint, so of that its endpoints are named."""
        found = self.filter(status=status)
        if status not in OPEN:
            return found.of(organization)
        theirs = apps.get_model("deliveries", "Endpoint").objects.of(organization)
        return found.filter(endpoint__in=theirs.order_by())

    def of_events(self, organization: Organization, event_type: str) -> DeliveryQuerySet:
        """Of the organization's, of this type. The type is indexed with the event."""
        events = apps.get_model("events", "Event").objects.of(organization).of_type(event_type)
        return self.filter(event_type=event_type, event__in=events.order_by())

    def matching(
        self,
        *,
        status: str | None = None,
        endpoint_id: uuid.UUID | None = None,
        event_id: uuid.UUID | None = None,
        event_type: str | None = None,
        event_types: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> DeliveryQuerySet:
        """Created at or after `since` and before `until`; None means any. `event_types` as endpoints have them."""
        wanted = {
            "status": status,
            "endpoint_id": endpoint_id,
            "event_id": event_id,
            "event_type": event_type,
            "created_at__gte": since,
            "created_at__lt": until,
        }
        of_types = Q()
        for pattern in event_types:
            of_types |= (
                Q(event_type__startswith=pattern[:-1]) if pattern.endswith(".*") else Q(event_type=pattern)
            )
        given = {name: value for name, value in wanted.items() if value is not None}
        return self.filter(of_types, **given, **id_bounds(since, until, slack=SLACK))

    def reachable(self) -> DeliveryQuerySet:
        """Their endpoint was not deleted. No join: who waits for another's move of a row must look at the row's
        status again, and a join would have looked before."""
        return self.filter(endpoint__in=apps.get_model("deliveries", "Endpoint").objects.present())

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
            unsettled_claims=0,
            manual=False,
            resume_at=None,
        )

    def cancel(self) -> int:
        """What is open will not be sent. What is on the wire now can't be called back; its answer is still noted."""
        return self.open().update(status="canceled", settled_at=Now(), next_attempt_at=None, manual=False)

    def lay_by(self) -> int:
        """Their events were acknowledged: what was given up is still a dead letter, but in no inbox."""
        return self.dead().filter(acknowledged=False).update(acknowledged=True)

    def discard(self, reason: str) -> int:
        """What was given up is laid aside, for a reason that its page and its tenant see. It can be replayed."""
        return self.dead().update(
            status="canceled", settled_at=Now(), last_error=f"{DISCARDED}{reason}"[:500], manual=False
        )


class ReplayQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> ReplayQuerySet:
        return self.filter(organization=organization)

    def running(self) -> ReplayQuerySet:
        return self.filter(state="running")

    # A move. Returns how many rows moved.

    def cancel(self) -> int:
        """What was not looked at yet stays as it is."""
        return self.running().update(state="canceled", finished_at=Now())

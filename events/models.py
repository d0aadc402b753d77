"""What: events, and the keys that let each in once."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from events.arrivals import Arrivals  # noqa: F401  (so that Django finds it)
from events.querysets import EventQuerySet
from organizations.models import Organization, new_id
from organizations.traceparent import LONGEST


class Event(models.Model):
    """One accepted event. Its status is that of its deliveries (`deliveries/event_status.py`)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Written with its organization's id in hand, ten thousand times a minute: a constraint would lock the
    # organization's row for each (docs/decisions/0003).
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="events",
        db_constraint=False,
        db_index=False,
    )
    type = models.CharField(max_length=100)
    payload = models.JSONField()
    dedup_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  (none is not an empty one)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    acknowledged_at = models.DateTimeField(null=True, editable=False)
    # No endpoint wanted it when it came, or those that did were deleted before they had it. A hint for the list of what
    # is pending, which looks at the deliveries as well: docs/decisions/0015.
    unwanted = models.BooleanField(default=False, db_default=False, editable=False)

    # Of the span in which it was accepted, or that it was sent from (`events/accept_trace.py`).
    traceparent = models.CharField(max_length=LONGEST, null=True, editable=False)  # noqa: DJ001  (mostly there is none)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            # GET /api/events: a tenant's events, newest first, from a cursor.
            models.Index(fields=["organization", "id"], name="event_of_organization"),
            # ?type= of GET /api/events, of the inbox and of the deliveries, and the admin's, where no tenant is named.
            models.Index(fields=["type", "organization", "id"], name="event_of_type"),
            # The inbox: who polls one has acknowledged nearly all there is.
            models.Index(
                fields=["organization", "id"],
                condition=models.Q(acknowledged_at__isnull=True),
                name="event_unacknowledged",
            ),
            # GET /api/inbox?status=acknowledged, where hardly anything was.
            models.Index(
                fields=["organization", "id"],
                condition=models.Q(acknowledged_at__isnull=False),
                name="event_acknowledged",
            ),
            # GET /api/inbox?status=pending: of these no delivery tells.
            models.Index(
                fields=["organization", "id"],
                condition=models.Q(unwanted=True, acknowledged_at__isnull=True),
                name="event_unwanted",
            ),
            # GET /api/events?payload=. New rows go to its pending list, which `tasks.index_payloads` sorts in, so that
            # nobody who sends an event waits for it: docs/decisions/0010.
            GinIndex(
                fields=["payload"],
                opclasses=["jsonb_path_ops"],
                name="event_payload",
                fastupdate=True,
                gin_pending_list_limit=64 * 1024,  # kB
            ),
        ]
        constraints = [models.CheckConstraint(condition=~models.Q(type=""), name="event_has_a_type")]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class OnceKey(models.Model):
    """A key that one event of a tenant holds until `expires_at`; afterwards the next may take it over."""

    class Kind(models.TextChoices):
        DEDUP = "dedup", "dedup id"
        IDEMPOTENCY = "idempotency", "Idempotency-Key"

    pk = models.CompositePrimaryKey("organization_id", "kind", "key")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    key = models.CharField(max_length=255)
    event_id = models.UUIDField(null=True, help_text="Of a dedup id: the event that holds it.")
    # Of an Idempotency-Key: what the call was, and what was answered; no answer yet means in flight.
    fingerprint = models.CharField(max_length=64, blank=True, default="", db_default="")
    status_code = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(null=True)  # noqa: DJ001  (none is not an empty one)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            # The purge: what nobody holds any more.
            models.Index(fields=["expires_at"], name="once_key_expiry"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="dedup", event_id__isnull=False, answer__isnull=True)
                | models.Q(kind="idempotency", event_id__isnull=True),
                name="once_key_holds_an_event_or_an_answer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.event_id}"

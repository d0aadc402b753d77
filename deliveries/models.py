"""Where to: endpoints, their secrets, deliveries and attempts.

A delivery's life (each arrow is one conditional UPDATE: what is sent moves in `settle.py`, by hand it moves in
`querysets.py`):

    pending ──sent──► delivered
       │  └─failed──► failed ──sent──► delivered          open: pending, failed
       │                │  └─last attempt, or 410──► dead_letter
       └──── acknowledged, endpoint deleted ──► canceled
    dead_letter ──discarded──► canceled
    delivered, dead_letter, canceled ──replayed──► pending
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deliveries.picked import Pick, StaffReplay  # noqa: F401  (so that Django finds them)
from deliveries.querysets import DeliveryQuerySet, EndpointQuerySet, ReplayQuerySet
from deliveries.traffic import Traffic  # noqa: F401  (likewise)
from events.models import Event
from organizations.models import Organization, new_id


class Endpoint(models.Model):
    """A URL of a tenant that wants its events."""

    class State(models.TextChoices):
        ENABLED = "enabled", "Enabled"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Disabled"

    class Circuit(models.TextChoices):
        CLOSED = "closed", "Closed"
        OPEN = "open", "Open"
        HALF_OPEN = "half_open", "Half open"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="endpoints")
    url = models.CharField("URL", max_length=2048)
    description = models.CharField(max_length=500, blank=True, default="")
    event_types = ArrayField(
        models.CharField(max_length=102),
        default=list,
        blank=True,
        help_text="Which events: none means all, order.created that type, order.* all that begin with order.",
    )
    state = models.CharField(max_length=20, choices=State.choices, default=State.ENABLED)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    is_default = models.BooleanField(default=False, help_text="The one that /api/webhook/config sets.")
    max_per_second = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="At most so many deliveries a second; empty means as fast as it answers.",
    )
    send_traceparent = models.BooleanField(
        default=False, db_default=False, help_text="Whether each delivery carries the header traceparent."
    )
    # Its pace: from when on the next may start (`claim.py`).
    paced_until = models.DateTimeField(null=True, editable=False)
    # A JSON object, encrypted: people put tokens there.
    encrypted_headers = models.TextField(blank=True, default="", editable=False)
    # After repeated failures only one delivery at a time is let through, to see whether it is back (`health.py`).
    circuit = models.CharField(max_length=20, choices=Circuit.choices, default=Circuit.CLOSED, editable=False)
    probe_at = models.DateTimeField(null=True, editable=False, help_text="When the next one is let through.")
    probe_wait = models.PositiveIntegerField(default=0, editable=False, help_text="In seconds.")
    # Grows with every change to URL, headers or secrets, so that senders know when what they remember is stale.
    revision = models.PositiveIntegerField(default=1, editable=False)
    consecutive_failures = models.PositiveIntegerField(default=0, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    last_failure_at = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False, help_text="The first failure in a row.")
    disabled_at = models.DateTimeField(null=True, editable=False)
    announced_at = models.DateTimeField(
        null=True, editable=False, help_text="When its owner was told that it was disabled."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            # The engine, when it found nothing: which endpoint's gate opens next.
            models.Index(
                fields=["id"], condition=Q(max_per_second__gt=0) | ~Q(circuit="closed"), name="endpoint_gated"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["enabled", "paused", "disabled"]),
                name="endpoint_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(circuit__in=["closed", "open", "half_open"]), name="endpoint_circuit_is_known"
            ),
            models.CheckConstraint(
                condition=Q(circuit="closed", probe_at__isnull=True)
                | Q(circuit__in=["open", "half_open"], probe_at__isnull=False),
                name="endpoint_probe_at_iff_circuit_not_closed",
            ),
            models.CheckConstraint(condition=Q(max_per_second__gt=0), name="endpoint_has_a_positive_pace"),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(is_default=True, deleted_at__isnull=True),
                name="organization_has_one_default_endpoint",
            ),
        ]

    def __str__(self) -> str:
        """Without the query, which may hold a token."""
        return self.url.partition("?")[0]


class EndpointSecret(models.Model):
    """A signing secret of an endpoint, encrypted. Each that is still valid signs every delivery."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="secrets")
    encrypted = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    valid_until = models.DateTimeField(null=True, help_text="Empty for the current one.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=Q(valid_until__isnull=True),
                name="endpoint_has_one_current_secret",
            )
        ]

    def __str__(self) -> str:
        return f"secret {self.id}"


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        FAILED = "failed", "Failed, will be retried"
        DELIVERED = "delivered", "Delivered"
        DEAD_LETTER = "dead_letter", "Dead letter"
        CANCELED = "canceled", "Canceled"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Hot rows carry no foreign key constraints: docs/decisions/0003.
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    event = models.ForeignKey(
        Event,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    endpoint = models.ForeignKey(
        Endpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    event_type = models.CharField(max_length=100)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveIntegerField(
        default=0, help_text="Automatic attempts since it was made or replayed."
    )
    # The fence: grows with each claim and never falls, so that only the latest claimer can settle.
    claim = models.PositiveIntegerField(default=0, editable=False)
    claimed_until = models.DateTimeField(
        null=True, editable=False, help_text="Being sent now, until then at most."
    )
    # Claims since the last that was settled: many, and it may be what kills the workers that hold it.
    unsettled_claims = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    next_attempt_at = models.DateTimeField(null=True, editable=False)
    # Sent by hand: the attempt does not count, and the schedule goes on at `resume_at`.
    manual = models.BooleanField(default=False, editable=False)
    resume_at = models.DateTimeField(null=True, editable=False)
    test = models.BooleanField(default=False, editable=False)
    last_status_code = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True, editable=False)
    # A dead letter of which the event was acknowledged since. A hint for the inbox, which looks at the event as well:
    # docs/decisions/0025.
    acknowledged = models.BooleanField(default=False, db_default=False, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            # The claim (`claim.py`): its walk over endpoints with open deliveries, and what is due at each.
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(status__in=["pending", "failed"]),
                name="delivery_open",
            ),
            # The claim of suspects: what was claimed twice or more, and never settled.
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(status__in=["pending", "failed"], unsettled_claims__gte=2),
                name="delivery_suspect",
            ),
            # The claim: what is sent by hand goes past the gate of its endpoint.
            models.Index(
                fields=["endpoint"],
                condition=Q(status__in=["pending", "failed"]) & (Q(manual=True) | Q(test=True)),
                name="delivery_by_hand",
            ),
            # GET /api/deliveries: a tenant's deliveries, newest first, from a cursor.
            models.Index(fields=["organization", "id"], name="delivery_of_organization"),
            # The admin's dead letters, a tenant's, and replaying them. With when they died and of what, so that as many
            # as there are can be counted and grouped without a look at the rows.
            models.Index(
                fields=["organization", "endpoint", "id"],
                include=["settled_at", "last_status_code", "last_error"],
                condition=Q(status="dead_letter"),
                name="delivery_dead",
            ),
            # The admin's dead letters of all tenants: those that died last come first, and their events are searched.
            models.Index(
                fields=["settled_at", "id"],
                include=["event"],
                condition=Q(status="dead_letter"),
                name="delivery_last_died",
            ),
            # GET /api/inbox?status=dead_letter and failed: by their events, newest first.
            models.Index(
                fields=["organization", "status", "event"],
                include=["event_type"],
                condition=Q(status__in=["failed", "dead_letter"], acknowledged=False),
                name="delivery_in_trouble",
            ),
            # GET /api/deliveries?status=dead_letter, whether they are many or none.
            models.Index(
                fields=["organization", "id"], condition=Q(status="dead_letter"), name="delivery_newest_dead"
            ),
            # GET /api/deliveries?status=canceled, and the admin's: they are few among millions.
            models.Index(
                fields=["organization", "id"], condition=Q(status="canceled"), name="delivery_canceled"
            ),
        ]
        constraints = [
            # Also read for an event with its deliveries, and for the status of the events of a page.
            models.UniqueConstraint(fields=["event", "endpoint"], name="event_goes_to_an_endpoint_once"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "pending",
                        "failed",
                        "delivered",
                        "dead_letter",
                        "canceled",
                    ]
                ),
                name="delivery_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "failed"], settled_at__isnull=True)
                | Q(
                    status__in=["delivered", "dead_letter", "canceled"],
                    settled_at__isnull=False,
                ),
                name="delivery_settled_at_iff_settled",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "failed"], next_attempt_at__isnull=False)
                | Q(
                    status__in=["delivered", "dead_letter", "canceled"],
                    next_attempt_at__isnull=True,
                ),
                name="delivery_next_attempt_at_iff_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.id}"


class DeadLetter(Delivery):
    """A delivery that was given up, as the admin's own list. Who may see and replay them is said of deliveries."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "dead letter"


class Attempt(models.Model):
    """One try of one delivery, and what was answered. Its number is the claim under which it was sent."""

    pk = models.CompositePrimaryKey("delivery_id", "number")
    delivery = models.ForeignKey(
        Delivery,
        on_delete=models.CASCADE,
        related_name="attempt_log",
        db_constraint=False,
        db_index=False,
    )
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20)
    status_code = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=500, blank=True, default="")
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True, default="")
    next_attempt_at = models.DateTimeField(null=True)
    manual = models.BooleanField(default=False)
    # How long its steps took (`progress.py`); none for what did not come about. They are for staff, not in the API.
    dns_ms = models.PositiveIntegerField(null=True)
    connect_ms = models.PositiveIntegerField(null=True)
    tls_ms = models.PositiveIntegerField(null=True)
    first_byte_ms = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["number"]
        indexes = [
            # `live.py`: what was attempted lately. Rows come in the order of time, so that blocks tell their times: a
            # tree would be written to with each attempt, and this hardly ever.
            BrinIndex(fields=["started_at"], name="attempt_by_time", pages_per_range=32, autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"


class Replay(models.Model):
    """A tenant's wish to send all deliveries again that match, worked off a part at a time (`bulk_replay.py`)."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELED = "canceled", "Canceled"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="replays")
    # Which: as `DeliveryQuerySet.matching` takes it, and what was settled by `as_of`.
    status = models.CharField(max_length=20, choices=Delivery.Status.choices)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, null=True, related_name="+")
    event_types = ArrayField(models.CharField(max_length=102), default=list)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    as_of = models.DateTimeField()
    # How far: everything up to the delivery `after` was looked at.
    state = models.CharField(max_length=20, choices=State.choices, default=State.RUNNING)
    matched = models.PositiveIntegerField(default=0)
    replayed = models.PositiveIntegerField(default=0)
    after = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            # The task that goes on with what is running.
            models.Index(fields=["id"], condition=Q(state="running"), name="replay_running"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["running", "done", "canceled"]), name="replay_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | Q(state__in=["done", "canceled"], finished_at__isnull=False),
                name="replay_finished_at_iff_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.replayed} of {self.matched}"

"""What staff picked in a list of the admin to be sent again or discarded, over any tenants (`staff_replay.py` works it
off).

It has tables of its own, which no API reads: what a tenant sees of replays are those that it asked for itself.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deliveries.querysets import ReplayQuerySet
from organizations.models import new_id


class StaffReplay(models.Model):
    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELED = "canceled", "Canceled"

    class Verb(models.TextChoices):
        REPLAY = "replay", "Replay"
        DISCARD = "discard", "Discard"

    # Made by the page that asks: whoever presses its button twice makes one.
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    asked_by = models.CharField(max_length=150)
    verb = models.CharField(max_length=20, choices=Verb.choices, default=Verb.REPLAY)
    reason = models.CharField(max_length=200, blank=True, default="", help_text="Of a discard.")
    which = models.TextField()
    as_of = models.DateTimeField()
    # How far. What is looked at and not replayed (or discarded) has moved meanwhile, or its endpoint is gone.
    state = models.CharField(max_length=20, choices=State.choices, default=State.RUNNING)
    picked = models.PositiveIntegerField(default=0)
    looked_at = models.PositiveIntegerField(default=0)
    replayed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = "replay"
        verbose_name_plural = "replays and discards"
        indexes = [
            # The task that goes on with what is running.
            models.Index(fields=["id"], condition=Q(state="running"), name="staff_replay_running"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["running", "done", "canceled"]), name="staff_replay_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(verb="replay", reason="") | Q(verb="discard") & ~Q(reason=""),
                name="staff_replay_has_a_reason_iff_it_discards",
            ),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | Q(state__in=["done", "canceled"], finished_at__isnull=False),
                name="staff_replay_finished_at_iff_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} of {self.picked:,}"


class Pick(models.Model):
    """A delivery that is still to be looked at; gone when it was. It may have been purged meanwhile."""

    pk = models.CompositePrimaryKey("replay_id", "delivery_id")
    replay = models.ForeignKey(
        StaffReplay, on_delete=models.CASCADE, related_name="picks", db_constraint=False, db_index=False
    )
    delivery_id = models.UUIDField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.delivery_id)

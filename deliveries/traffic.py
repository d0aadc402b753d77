"""What became of attempts, over time: gathered by the engines (`traffic_notes.py`) for the figures of the desk."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from events.spans import Grain

# What a histogram counts: how many took so many milliseconds at most; and, last of all, what took longer.
BOUNDS_MS = (
    *(2, 5, 10, 15, 25, 40, 60, 100, 150, 250, 400, 600),
    *(1_000, 1_500, 2_500, 5_000, 10_000, 20_000, 30_000, 60_000, 180_000, 600_000, 1_800_000, 3_600_000),
)


class Traffic(models.Model):
    """What attempts came to within one bucket of time: at one endpoint, at a tenant's together, or at all together."""

    pk = models.CompositePrimaryKey("about", "grain", "at")
    # Of what: an endpoint's id, a tenant's, or `spans.EVERYBODY`. So a page reads the rows it shows, and adds up none.
    about = models.UUIDField()
    organization_id = models.UUIDField(help_text="Whose; of everybody's rows EVERYBODY.")
    grain = models.PositiveSmallIntegerField(choices=Grain.choices)
    at = models.DateTimeField()
    attempts = models.PositiveIntegerField()
    delivered = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    dead = models.PositiveIntegerField(help_text="Deliveries that were given up.")
    duration_ms = models.BigIntegerField(help_text="Of all these attempts together.")
    # Histograms: of what attempts took; and of what first attempts that delivered took since their event was accepted.
    durations = ArrayField(models.PositiveIntegerField())
    waits = ArrayField(models.PositiveIntegerField())

    class Meta:
        default_permissions = ()
        indexes = [
            # The purge.
            models.Index(fields=["grain", "at"], name="traffic_by_time"),
            # The worst endpoints.
            models.Index(
                fields=["grain", "at"],
                condition=~models.Q(about=models.F("organization_id")),
                name="traffic_of_endpoints",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempts} attempts at {self.at}"

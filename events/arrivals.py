"""How many events were accepted, over time: counted from the events themselves (`arrivals_count.py`)."""

from django.db import models

from events.spans import Grain


class Arrivals(models.Model):
    """What one tenant sent within one bucket of time, or all of them together (`spans.EVERYBODY`).

    Each minute that was counted has a row of everybody's, be it of nothing: it tells how far the count has come.
    """

    pk = models.CompositePrimaryKey("organization_id", "grain", "at")
    organization_id = models.UUIDField()
    grain = models.PositiveSmallIntegerField(choices=Grain.choices)
    at = models.DateTimeField()
    accepted = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        indexes = [
            # The busiest tenants, adding up, and the purge.
            models.Index(fields=["grain", "at"], name="arrivals_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.accepted} at {self.at}"

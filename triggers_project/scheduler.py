"""The scheduler of `celery beat`: django-celery-beat's, which sleeps until something is due."""

from django_celery_beat.schedulers import DatabaseScheduler


class SleepingScheduler(DatabaseScheduler):
    """Celery's wakes 10 ms before, and looks again and again until the time has come: with two schedules a second that
    was two thirds of all that beat did."""

    def adjust(self, n: float, drift: float = 0.0) -> float:
        """Seconds to sleep when something is due in `n`."""
        return float(super().adjust(n, drift))

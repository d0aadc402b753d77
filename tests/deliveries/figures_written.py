"""Figures over time as an engine would have written them."""

from typing import Any

from deliveries.traffic import BOUNDS_MS, Traffic
from events.arrivals import Arrivals
from events.spans import Grain, database_now


def write_figures(
    about: Any, *, delivered: int = 0, failed: int = 0, dead: int = 0, took_ms: int = 10
) -> None:
    """Of an endpoint or a tenant: what attempts that ended now came to."""
    counts = [0] * (len(BOUNDS_MS) + 1)
    durations = list(counts)
    durations[next(place for place, bound in enumerate(BOUNDS_MS) if took_ms <= bound)] = delivered + failed
    for grain in Grain:
        Traffic.objects.create(
            about=about.pk,
            organization_id=getattr(about, "organization_id", about.pk),
            grain=grain,
            at=grain.begin(database_now()),
            attempts=delivered + failed,
            delivered=delivered,
            failed=failed,
            dead=dead,
            duration_ms=took_ms * (delivered + failed),
            durations=durations,
            waits=counts,
        )


def write_arrivals(organization: Any, accepted: int) -> None:
    """So many events of this tenant came in just now."""
    for grain in Grain:
        at = grain.begin(database_now())
        Arrivals.objects.create(organization_id=organization.pk, grain=grain, at=at, accepted=accepted)

from deliveries.models import Delivery
from tests.factories import ago


def all_leases_end() -> None:
    """What is being sent is due again, as if whoever sends it had died a while ago."""
    Delivery.objects.filter(claimed_until__isnull=False).update(next_attempt_at=ago(), claimed_until=ago())

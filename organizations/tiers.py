"""The tiers, and how many events each lets pass in any 60 seconds."""

from django.db import models


class Tier(models.TextChoices):
    FREE = "free", "Free"
    PRO = "pro", "Pro"
    BUSINESS = "business", "Business"
    ENTERPRISE = "enterprise", "Enterprise"


EVENTS_PER_MINUTE = {
    Tier.FREE: 100,
    Tier.PRO: 1_000,
    Tier.BUSINESS: 10_000,
    Tier.ENTERPRISE: 100_000,
}

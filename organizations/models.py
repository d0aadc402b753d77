"""Who: tenants and their API keys."""

import uuid

import uuid_utils.compat
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from organizations.querysets import ApiKeyQuerySet
from organizations.scopes import ALL_SCOPES
from organizations.tiers import EVENTS_PER_MINUTE, Tier


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): ids sort by creation, and indexes grow at one end."""
    return uuid_utils.compat.uuid7()


def all_scopes() -> list[str]:
    return list(ALL_SCOPES)


class Organization(models.Model):
    """A tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    tier = models.CharField(max_length=20, choices=Tier.choices, default=Tier.FREE)
    inbox_only = models.BooleanField(
        default=False,
        help_text="Accepts events without any endpoint: they wait in the inbox.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(tier__in=Tier.values),
                name="organization_tier_is_known",
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="organization_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rate_limit_per_minute(self) -> int:
        return EVENTS_PER_MINUTE[Tier(self.tier)]


class ApiKey(models.Model):
    """One API key: what is needed to recognise it, never the key itself (`keys.py`)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, default="default")
    public_id = models.CharField(max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=60, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), default=all_scopes)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def prefix(self) -> str:
        """The part of the key that may be shown."""
        return f"trg_{self.public_id}"

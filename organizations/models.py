"""Who: tenants and their API keys."""

import uuid

import uuid_utils.compat
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from organizations.audit_words import in_words
from organizations.querysets import ApiKeyQuerySet, AuditEntryQuerySet
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
        verbose_name = "tenant"
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


class AuditEntry(models.Model):
    """Something a member of staff did, written with the change itself (`audit.py`) and never touched again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    # Who. The name stays when the account goes.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    actor_name = models.CharField(max_length=150, blank=True)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    # What, and to what: `tier.changed`, `organizations.organization`, its id, and its name as it was then.
    action = models.CharField(max_length=50)
    object_type = models.CharField(max_length=100, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_words = models.CharField(max_length=200, blank=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    # The fields that changed. Of passwords, keys and payloads only that they did.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            # The audit log by tenant, and a tenant's history.
            models.Index(fields=["organization", "id"], name="audit_of_organization"),
            # The audit log by name, and the overview's own recent actions.
            models.Index(fields=["actor_name", "id"], name="audit_by_name"),
            # Deleting an account, which takes its id out of here.
            models.Index(fields=["actor"], name="audit_by_actor"),
            # The audit log by action.
            models.Index(fields=["action", "id"], name="audit_of_action"),
            # The history of anything else.
            models.Index(fields=["object_type", "object_id", "id"], name="audit_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.words} {self.object_words}".strip()

    @property
    def words(self) -> str:
        return in_words(self.action)


class SecondFactor(models.Model):
    """A user's authenticator (TOTP, RFC 6238): asked for at every login once a first code has confirmed it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="second_factor"
    )
    encrypted_secret = models.TextField()
    confirmed_at = models.DateTimeField(null=True)
    # A code is good once: of each step of 30 seconds, and of those before it, nothing is accepted again.
    last_step = models.BigIntegerField(default=0)
    # SHA-256: they are made of chance, so there is nothing to guess. One that was used is gone.
    recovery_hashes = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from organizations.models import Organization


class ApiKeyQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> ApiKeyQuerySet:
        return self.filter(organization=organization)

    def valid(self) -> ApiKeyQuerySet:
        """Neither revoked nor expired, by the database's clock."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
            revoked_at__isnull=True,
        )

    def unused_since(self, ago: timedelta) -> ApiKeyQuerySet:
        return self.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=Now() - ago))

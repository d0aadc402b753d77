from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

if TYPE_CHECKING:
    from organizations.models import Organization


LISTED_ENDED = 100

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


def newest_of(rows: Rows, organization: Organization) -> Rows:
    """The organization's, newest first, by an index on (organization, id), whatever others have.

    From one value PostgreSQL would conclude that the order is that of the ids alone, and may walk everybody's: past
    420,000 newer ones of others that took 180 ms. A range of one value is a range to it.
    """
    its_own = rows.filter(organization__gte=organization, organization__lte=organization)
    return its_own.order_by("-organization_id", "-pk")


def older(rows: Rows, organization: Organization, below: uuid.UUID) -> Rows:
    """Of `newest_of`, those below that id. The index is entered where it is only by both of its columns together."""
    return rows.filter(
        Func(
            _row(F("organization_id"), F("pk")),
            _row(Value(organization.pk), Value(below)),
            template="%(expressions)s",
            arg_joiner=" < ",
            output_field=models.BooleanField(),
        )
    )


def _row(*columns: Any) -> Func:
    return Func(*columns, function="ROW", output_field=models.UUIDField())


class ApiKeyQuerySet(models.QuerySet[Any]):
    def of(self, organization: Organization) -> ApiKeyQuerySet:
        return self.filter(organization=organization)

    def valid(self) -> ApiKeyQuerySet:
        """Neither revoked nor expired, by the database's clock."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
            revoked_at__isnull=True,
        )

    def listed(self) -> ApiKeyQuerySet:
        """The valid ones, and the latest LISTED_ENDED of those that ended within 30 days: never more and more."""
        lately = Now() - timedelta(days=30)
        ended = self.filter(Q(revoked_at__gt=lately) | Q(revoked_at__isnull=True, expires_at__gt=lately))
        ended = ended.exclude(pk__in=self.valid().values("pk")).order_by("-pk")[:LISTED_ENDED]
        return self.filter(Q(pk__in=self.valid().values("pk")) | Q(pk__in=ended.values("pk")))

    def unused_since(self, ago: timedelta) -> ApiKeyQuerySet:
        return self.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=Now() - ago))


class AuditEntryQuerySet(models.QuerySet[Any]):
    def about(self, row: models.Model) -> AuditEntryQuerySet:
        """Of a tenant: whatever was done to what is its own, too."""
        model = row._meta.concrete_model or type(row)
        if model._meta.label == "organizations.Organization":
            return self.filter(organization_id=row.pk)
        return self.filter(object_type=model._meta.label_lower, object_id=str(row.pk))

"""Finding tenants by what a person has at hand."""

import uuid

from django.db.models import Q, QuerySet

from organizations.admin_filters import as_uuid
from organizations.models import Organization

MOST_FOUND = 200


def tenants_matching(term: str) -> "QuerySet[Organization]":
    """By id, by a part of the name, or by the part of an API key that may be shown."""
    by_key = Q(api_keys__public_id=term.removeprefix("trg_")) if term.startswith("trg_") else Q()
    identifier = as_uuid(term)
    by_id = Q(pk=identifier) if identifier else Q()
    return Organization.objects.filter(Q(name__icontains=term) | by_key | by_id).distinct()


def tenant_ids_matching(term: str) -> list[uuid.UUID]:
    return list(tenants_matching(term).order_by().values_list("pk", flat=True)[:MOST_FOUND])

"""What an operator should know: before going live (`manage.py check --deploy`), and at every start
(`manage.py migrate`, `manage.py check --database default`)."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, connection

from deliveries.models import Endpoint, EndpointSecret
from deliveries.unreadable import MOST, unreadable


@register(Tags.security, deploy=True)
def secrets_are_set(**_: Any) -> list[CheckMessage]:
    if not settings.SECRETS_ARE_GENERATED:
        return []
    return [
        CheckWarning(
            "SECRET_KEY or FIELD_ENCRYPTION_KEYS was made by this machine and lies in DATA_DIR/secrets.json.",
            hint="Set both variables: another machine would make its own, and could not read endpoint secrets.",
            id="triggers.W001",
        )
    ]


@register(Tags.security, deploy=True)
def private_networks_are_closed(**_: Any) -> list[CheckMessage]:
    if not settings.ALLOWED_PRIVATE_NETWORKS:
        return []
    networks = ", ".join(str(network) for network in settings.ALLOWED_PRIVATE_NETWORKS)
    return [
        CheckWarning(
            f"Webhooks may be sent to {networks}: every tenant can reach what listens there.",
            hint="Leave ALLOWED_PRIVATE_NETWORKS empty, unless all tenants may.",
            id="triggers.W002",
        )
    ]


@register(Tags.database)
def secrets_can_be_read(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Of the newest endpoints; a wrong key reads none of them."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or Endpoint._meta.db_table not in _tables():
        return []
    current = EndpointSecret.objects.filter(valid_until__isnull=True, endpoint__deleted_at__isnull=True)
    secrets = list(current.order_by("-pk").values_list("encrypted", flat=True)[:MOST])
    present = Endpoint.objects.present().exclude(encrypted_headers="").order_by("-pk")
    headers = list(present.values_list("encrypted_headers", flat=True)[:MOST])
    lost, lost_headers = unreadable(secrets), unreadable(headers)
    if not lost and not lost_headers:
        return []
    return [
        CheckWarning(
            f"FIELD_ENCRYPTION_KEYS can't read {lost} of the {len(secrets)} signing secrets and the headers of "
            f"{lost_headers} of the {len(headers)} endpoints looked at.",
            hint="Put the key back behind the current one: nothing is sent to these endpoints without it.",
            id="triggers.W003",
        )
    ]


def _tables() -> list[str]:
    return connection.introspection.table_names()

"""`manage.py check --deploy`: what an operator should know before going live."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning


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

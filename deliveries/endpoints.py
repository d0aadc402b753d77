"""Setting up, changing and removing endpoints. URLs are checked by the caller (`targets.check_target`), outside of
any transaction, since that asks the DNS."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from deliveries.custom_headers import check_headers, sealed
from deliveries.errors import EndpointNotConfigured, EndpointNotFound, SecretUnreadable, TooManyEndpoints
from deliveries.models import Delivery, Endpoint, EndpointSecret
from deliveries.orphans import cancel_orphans
from deliveries.querysets import CLOSED_CIRCUIT
from deliveries.secrets import new_secret, secret_bytes
from organizations.deadlocks import again_after_deadlock
from organizations.encryption import decrypt, encrypt
from organizations.models import Organization

log = structlog.get_logger(__name__)


def create_endpoint(
    organization: Organization,
    *,
    url: str,
    secret: str | None = None,
    event_types: Sequence[str] = (),
    description: str = "",
    headers: Mapping[str, str] | None = None,
    max_per_second: int | None = None,
    send_traceparent: bool = False,
    is_default: bool = False,
) -> tuple[Endpoint, str]:
    """A new endpoint and its signing secret. InvalidSecret when the given one is none; InvalidHeaders;
    TooManyEndpoints."""
    secret = secret or new_secret()
    secret_bytes(secret)
    check_headers(headers or {})
    with transaction.atomic():
        _locked(organization)
        if Endpoint.objects.of(organization).present().count() >= settings.ENDPOINTS_PER_ORGANIZATION:
            raise TooManyEndpoints(
                f"An organization may have {settings.ENDPOINTS_PER_ORGANIZATION} endpoints."
            )
        endpoint = Endpoint.objects.create(
            organization=organization,
            url=url,
            event_types=list(event_types),
            description=description,
            encrypted_headers=sealed(headers or {}),
            max_per_second=max_per_second,
            send_traceparent=send_traceparent,
            is_default=is_default,
        )
        EndpointSecret.objects.create(endpoint=endpoint, encrypted=encrypt(secret))
        endpoint.refresh_from_db()
    return endpoint, secret


def change_endpoint(endpoint: Endpoint, changes: Mapping[str, Any]) -> Endpoint:
    """Writes these fields; what is already claimed still goes to the old URL. InvalidHeaders."""
    changes = dict(changes)
    if "headers" in changes:
        headers = changes.pop("headers")
        check_headers(headers)
        changes["encrypted_headers"] = sealed(headers)
    if "url" in changes:
        changes |= CLOSED_CIRCUIT  # that was about another receiver
    Endpoint.objects.present().filter(pk=endpoint.pk).update(**changes, revision=F("revision") + 1)
    endpoint.refresh_from_db()
    return endpoint


@again_after_deadlock
def delete_endpoint(endpoint: Endpoint) -> None:
    """No further delivery starts: what is open is canceled. Its history stays."""
    with transaction.atomic():
        Endpoint.objects.present().filter(pk=endpoint.pk).update(deleted_at=Now(), is_default=False)
        cancel_orphans(Delivery.objects.filter(endpoint=endpoint))


def find_endpoint(organization: Organization, endpoint_id: uuid.UUID) -> Endpoint:
    endpoint = Endpoint.objects.of(organization).present().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound("This organization has no such endpoint.")
    return endpoint


def current_secret(endpoint: Endpoint) -> str:
    """SecretUnreadable when FIELD_ENCRYPTION_KEYS lacks the key that it was encrypted with."""
    try:
        return decrypt(EndpointSecret.objects.get(endpoint=endpoint, valid_until__isnull=True).encrypted)
    except InvalidToken:
        log.error("endpoint.secret_unreadable", endpoint_id=str(endpoint.pk))
        raise SecretUnreadable("This server can't read the endpoint's signing secret.") from None


# --- The default endpoint: /api/webhook/config --------------------------------------------------------------------


def configure_default(
    organization: Organization,
    *,
    url: str,
    event_types: Sequence[str] | None = None,
    secret: str | None = None,
) -> tuple[Endpoint, str]:
    """Sets the tenant's default endpoint: makes it, or changes what is given. Returns it with its secret."""
    if secret is not None:
        secret_bytes(secret)
    with transaction.atomic():
        _locked(organization)
        endpoint = Endpoint.objects.of(organization).default().first()
        Organization.objects.filter(pk=organization.pk).update(inbox_only=False)
        if endpoint is None:
            return create_endpoint(
                organization,
                url=url,
                secret=secret,
                event_types=event_types or (),
                is_default=True,
            )
        changes: dict[str, Any] = {"url": url}
        if event_types is not None:
            changes["event_types"] = list(event_types)
        if secret is not None:
            EndpointSecret.objects.filter(endpoint=endpoint, valid_until__isnull=True).update(
                encrypted=encrypt(secret), created_at=Now()
            )
        # What a 410 or days of failures said was about the URL before.
        Endpoint.objects.filter(pk=endpoint.pk, state=Endpoint.State.DISABLED).exclude(url=url).resume()
        change_endpoint(endpoint, changes)
        return endpoint, secret or current_secret(endpoint)


@again_after_deadlock
def configure_inbox_only(organization: Organization) -> None:
    """Events are accepted without any endpoint, and wait in the inbox. A default endpoint there was is deleted."""
    with transaction.atomic():
        _locked(organization)
        Organization.objects.filter(pk=organization.pk).update(inbox_only=True)
        for endpoint in Endpoint.objects.of(organization).default():
            delete_endpoint(endpoint)


def default_endpoint(organization: Organization) -> Endpoint:
    endpoint = Endpoint.objects.of(organization).default().first()
    if endpoint is None:
        raise EndpointNotConfigured("No default endpoint is set.")
    return endpoint


def _locked(organization: Organization) -> None:
    """Two calls at once would both find no default endpoint, or room for one more, and both make one."""
    Organization.objects.select_for_update().get(pk=organization.pk)

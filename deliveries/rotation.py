"""Exchanging an endpoint's signing secret: for a while both sign, so that receivers can change over at leisure."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from deliveries.endpoints import current_secret
from deliveries.models import Endpoint, EndpointSecret
from deliveries.secrets import new_secret, secret_bytes
from organizations.encryption import encrypt


def rotate_secret(endpoint: Endpoint, *, grace: timedelta, secret: str | None = None) -> None:
    """A new current secret, made or given; the one before it signs as well for `grace`.

    InvalidSecret when the given one is none. Of two callers at once the second rotates what the first made.
    """
    secret = secret or new_secret()
    secret_bytes(secret)
    with transaction.atomic():
        Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        EndpointSecret.objects.filter(endpoint=endpoint, valid_until__isnull=True).update(
            valid_until=Now() + grace
        )
        EndpointSecret.objects.create(endpoint=endpoint, encrypted=encrypt(secret))
        Endpoint.objects.filter(pk=endpoint.pk).update(revision=F("revision") + 1)


def secret_of(endpoint: Endpoint) -> tuple[str, datetime | None]:
    """The current secret, and until when one before it is valid; None when no other is."""
    until = EndpointSecret.objects.filter(endpoint=endpoint, valid_until__gt=Now()).aggregate(
        until=Max("valid_until")
    )
    return current_secret(endpoint), until["until"]

"""What the desk says about an endpoint, in its list and on its pages."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.db.models import QuerySet
from django.utils.html import format_html

from deliveries.custom_headers import opened
from deliveries.models import Delivery, Endpoint
from deliveries.querysets import DeliveryQuerySet
from organizations import admin_lists
from organizations.admin_lists import OrMore
from organizations.admin_words import badge


def condition_of(endpoint: Endpoint) -> str:
    """Its state, and its circuit unless that is closed."""
    if endpoint.deleted_at is not None:
        return badge("deleted", "Deleted")
    state = badge(endpoint.state, endpoint.get_state_display())
    if endpoint.circuit == Endpoint.Circuit.CLOSED:
        return state
    circuit = badge("failed", f"Circuit {endpoint.get_circuit_display().lower()}")
    return format_html("{} {}", state, circuit)


def deliveries_to(endpoint: Endpoint) -> DeliveryQuerySet:
    """Its tenant is named as well, for the indexes begin with it."""
    return Delivery.objects.filter(organization_id=endpoint.organization_id, endpoint=endpoint)


def waiting(endpoint: Endpoint) -> int:
    """How many deliveries are still to be sent there."""
    return counted(Delivery.objects.filter(endpoint=endpoint).open())


def counted(rows: "QuerySet[Any]") -> int:
    """As far as MOST_COUNTED."""
    most = admin_lists.MOST_COUNTED
    number = rows.order_by()[: most + 1].count()
    return number if number <= most else OrMore(most)


def header_names(endpoint: Endpoint) -> str:
    """Of the headers that the tenant sends along; their values are nobody's business here."""
    try:
        return ", ".join(opened(endpoint.encrypted_headers))
    except InvalidToken:
        return "They can't be read: FIELD_ENCRYPTION_KEYS lacks their key."

"""Endpoints that are given up: after days of nothing but failures. Never silently: the tenant's other endpoints that
ask for `endpoint.disabled` get an event, the operators a mail. A 410 disables as well (`health.py`), and is told here.
"""

import msgspec
import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.functions import Now

from deliveries.fan_out import TO_NOBODY
from deliveries.models import Delivery, Endpoint
from deliveries.ring import ring_after_commit
from events.accept import accept_event
from events.incoming import IncomingEvent

log = structlog.get_logger(__name__)

EVENT_TYPE = "endpoint.disabled"


def disable_failing() -> int:
    """Disables what has failed for ENDPOINT_DISABLED_AFTER. How many."""
    after = settings.ENDPOINT_DISABLED_AFTER
    reason = f"Every delivery failed for {after.days} days."
    return Endpoint.objects.failing_for(after).disable(reason)


def announce_disabled() -> int:
    """Tells of each endpoint that was disabled, once. How many."""
    told = 0
    while (endpoint := _announce_one()) is not None:
        told += 1
        log.warning("endpoint.disabled", endpoint_id=str(endpoint.pk), reason=endpoint.disabled_reason)
        _write_to_operators(endpoint)
    return told


def _announce_one() -> Endpoint | None:
    with transaction.atomic():
        waiting = Endpoint.objects.to_announce().select_for_update(skip_locked=True, of=("self",))
        endpoint = waiting.select_related("organization").first()
        if endpoint is None:
            return None
        asking = Endpoint.objects.of(endpoint.organization).asking_for(EVENT_TYPE).exclude(pk=endpoint.pk)
        if others := list(asking):
            _send_event(endpoint, others)
        Endpoint.objects.filter(pk=endpoint.pk).update(announced_at=Now())
    return endpoint


def _send_event(endpoint: Endpoint, others: list[Endpoint]) -> None:
    payload = {
        "endpoint_id": endpoint.pk,
        "url": str(endpoint),
        "reason": endpoint.disabled_reason,
        "disabled_at": endpoint.disabled_at,
    }
    event = IncomingEvent(type=EVENT_TYPE, payload=msgspec.Raw(msgspec.json.encode(payload)))
    accepted = accept_event(endpoint.organization, event, fan_out=TO_NOBODY)
    Delivery.objects.bulk_create(
        Delivery(
            organization=endpoint.organization,
            event_id=accepted.id,
            event_type=EVENT_TYPE,
            endpoint=other,
            next_attempt_at=Now(),
        )
        for other in others
    )
    ring_after_commit()


def _write_to_operators(endpoint: Endpoint) -> None:
    """Without EMAIL_URL and OPERATOR_EMAILS nobody; a mail server that is away is said in the log."""
    if not (settings.OPERATOR_EMAILS and settings.EMAIL_HOST):
        return
    tenant = endpoint.organization.name.replace("\r", " ").replace("\n", " ")
    words = (
        f"{endpoint.disabled_reason}\n\nTenant: {tenant}\nURL: {endpoint}\nEndpoint: {endpoint.pk}\n\n"
        "Its deliveries are kept. They are sent when the endpoint is resumed, in the admin or with "
        f"POST /api/endpoints/{endpoint.pk}/resume."
    )
    try:
        send_mail(f"Triggers: an endpoint of {tenant} was disabled", words, None, settings.OPERATOR_EMAILS)
    except OSError as error:  # smtplib's errors among them
        log.error("mail.failed", error=type(error).__name__)

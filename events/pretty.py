"""A payload for people: laid out by PostgreSQL, so that every digit is as it came."""

import uuid

from django.db.models import F, Func, TextField

from events.models import Event


def pretty_payload(event_id: uuid.UUID) -> str | None:
    """JSON over several lines; None when the event is there no more."""
    laid_out = Func(F("payload"), function="jsonb_pretty", output_field=TextField())
    found: str | None = Event.objects.filter(pk=event_id).values_list(laid_out, flat=True).first()
    return found

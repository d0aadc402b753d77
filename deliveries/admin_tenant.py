"""What a tenant's page shows of its events and deliveries, to those who may see these."""

from typing import Any

from django.conf import settings
from django.db.models import Case, IntegerField, Q, Value, When
from django.http import HttpRequest

from deliveries.admin_endpoint_words import condition_of, counted
from deliveries.admin_lately import Lately, lately
from deliveries.admin_lists import last_answer
from deliveries.admin_traffic import figures_of_tenant
from deliveries.event_status import STATUS
from deliveries.models import Delivery, Endpoint
from events.admin_words import STATUS_WORDS
from events.models import Event
from organizations.admin_lists import SECONDS
from organizations.admin_words import badge, percent
from organizations.models import Organization
from organizations.patience import TookTooLong, patience

ENDPOINTS_SHOWN, LATEST = 20, 10

# The worst come first.
_TROUBLE = Case(
    When(state="disabled", then=Value(0)),
    When(~Q(circuit="closed"), then=Value(1)),
    When(state="paused", then=Value(2)),
    default=Value(3),
    output_field=IntegerField(),
)


def facts_of_tenant(request: HttpRequest, tenant: Organization) -> dict[str, Any]:
    """For `admin/organizations/organization.html`. What this person may not see is not there."""
    may = request.user.has_perm
    facts = figures_of_tenant(request, tenant.pk)
    facts["success_rate"] = percent(facts["day"].success_rate)
    if may("deliveries.view_endpoint"):
        facts |= its_endpoints(tenant)
    if may("events.view_event"):
        facts |= its_events(tenant)
    if may("deliveries.view_delivery"):
        facts |= its_dead_letters(tenant)
    return facts


def its_endpoints(tenant: Organization) -> dict[str, Any]:
    present = Endpoint.objects.of(tenant).present()
    number, troubled = present.count(), present.filter(Q(state="disabled") | ~Q(circuit="closed")).count()
    worst = list(present.order_by(_TROUBLE, "-consecutive_failures", "-pk")[:ENDPOINTS_SHOWN])
    how = lately(worst)
    nothing = Lately(0, None)
    return {
        "endpoints": [
            (endpoint, condition_of(endpoint), how.get(endpoint.pk, nothing).waiting, _rate(how, endpoint))
            for endpoint in worst
        ],
        "endpoint_number": number,
        "endpoint_limit": settings.ENDPOINTS_PER_ORGANIZATION,
        "endpoints_not_shown": number - len(worst),
        "troubled": troubled,
    }


def _rate(how: dict[Any, Lately], endpoint: Endpoint) -> str:
    return percent(how[endpoint.pk].success_rate) if endpoint.pk in how else percent(None)


def its_events(tenant: Organization) -> dict[str, Any]:
    latest = Event.objects.newest_of(tenant).defer("payload").annotate(status=STATUS)[:LATEST]
    facts: dict[str, Any] = {
        "events": [(event, badge(event.status, STATUS_WORDS[event.status])) for event in latest]
    }
    if tenant.inbox_only:
        facts["in_inbox"] = counted(Event.objects.of(tenant).unacknowledged())
    return facts


def its_dead_letters(tenant: Organization) -> dict[str, Any]:
    dead = Delivery.objects.of(tenant).dead()
    try:
        with patience(SECONDS):
            latest = list(dead.select_related("endpoint").order_by("-settled_at", "-pk")[:LATEST])
            number = counted(dead)
    except TookTooLong:
        return {"dead_letters": None}
    return {
        "dead_letters": [(delivery, last_answer(delivery)) for delivery in latest],
        "dead_letter_number": number,
    }

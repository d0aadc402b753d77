"""What the admin's lists of deliveries and dead letters show, and how they are searched and narrowed down."""

import http.client
import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deliveries.causes import KINDS, cause
from deliveries.causes import in_words as cause_in_words
from deliveries.models import DeadLetter, Delivery, Endpoint
from events.admin_search import events_with_dedup_id
from events.models import Event
from organizations.admin_filters import (
    ChoiceFilter,
    EventTypeFilter,
    OneOfManyFilter,
    PeriodFilter,
    TextFilter,
    as_uuid,
)
from organizations.admin_search import tenant_ids_matching
from organizations.admin_words import (
    ago,
    badge,
    breakable,
    how_many,
    link_at,
    link_to,
    planned,
    without_query,
)

SEARCH_HELP = (
    "The id of a delivery or an event, a part of a tenant's name, or a dedup id"
    " (of the last 24 hours; choose the tenant for older ones)."
)

# By dedup id, which is in no index: the event of each of the latest, for without a bound all events would be read. That
# takes as long as all the rest of the page, so not for what is a part of a tenant's name.
MOST_DEAD_LOOKED_AT = 10_000


class TenantFilter(OneOfManyFilter):
    title = "tenant"
    names = ("tenant",)
    source = Delivery._meta.get_field("organization")
    any_words = "Any tenant"


class EndpointFilter(OneOfManyFilter):
    title = "endpoint"
    names = ("endpoint",)
    source = Delivery._meta.get_field("endpoint")
    any_words = "Any endpoint"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Naming its tenant, too, makes the tenant's index of use: as a value, for through a join it would give no
        order."""
        found = super().queryset(request, queryset)
        identifier = as_uuid(self.wanted)
        endpoint = Endpoint.objects.filter(pk=identifier).first() if identifier else None
        return found.filter(organization_id=endpoint.organization_id) if endpoint else found


class DiedFilter(PeriodFilter):
    title = "died"
    field = "settled_at"
    slack = None


class CreatedFilter(PeriodFilter):
    title = "made"


class TypeFilter(EventTypeFilter):
    """Of all deliveries: the type is indexed with the event."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().queryset(request, queryset)
        if not self.wanted:
            return found
        pattern = (
            {"type__startswith": self.wanted[:-1]} if self.wanted.endswith(".*") else {"type": self.wanted}
        )
        return found.filter(event__in=Event.objects.filter(**pattern).order_by())


class StatusFilter(ChoiceFilter):
    title = "status"
    names = ("status",)
    field = "status"
    options = Delivery.Status.choices


class AnswerFilter(TextFilter):
    """The last status code: 503, a class of them (5xx), or none."""

    title = "last status code"
    names = ("code",)
    placeholder = "503, 5xx or none"
    suggestions = (
        "none",
        "3xx",
        "4xx",
        "5xx",
        "400",
        "401",
        "403",
        "404",
        "410",
        "429",
        "500",
        "502",
        "503",
        "504",
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.wanted.lower()
        if not wanted:
            return queryset
        if wanted == "none":
            return queryset.filter(last_status_code__isnull=True)
        if re.fullmatch("[1-9]xx", wanted):
            least = int(wanted[0]) * 100
            return queryset.filter(last_status_code__gte=least, last_status_code__lt=least + 100)
        if re.fullmatch("[1-9][0-9]{2}", wanted):
            return queryset.filter(last_status_code=int(wanted))
        return self.nothing(queryset, "Write a code like 503, a class like 5xx, or none.")


class KindFilter(ChoiceFilter):
    """What kind of answer, or of failure to get one, the last attempt had."""

    title = "kind of failure"
    names = ("kind",)
    options = tuple((kind, words) for kind, (words, _) in KINDS.items())

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(KINDS[self.wanted][1])


class CauseFilter(TextFilter):
    """One cause, as the groups by cause link to it; nobody is asked to write one."""

    title = "cause"
    names = ("cause",)

    def in_words(self, name: str) -> str:
        return cause_in_words(self.wanted)

    def has_output(self) -> bool:
        return bool(self.wanted)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.wanted:
            return queryset
        return queryset.alias(last_cause=cause()).filter(last_cause=self.wanted)


def search_deliveries(queryset: QuerySet[Any], term: str, *, tenant: str) -> QuerySet[Any]:
    identifier = as_uuid(term)
    if identifier:
        return queryset.filter(Q(pk=identifier) | Q(event_id=identifier))
    events, tenants = events_with_dedup_id(term, tenant=as_uuid(tenant)), tenant_ids_matching(term)
    if issubclass(queryset.model, DeadLetter) and not tenants:
        dead = Delivery.objects.dead().order_by("-settled_at", "-pk").values("event_id")[:MOST_DEAD_LOOKED_AT]
        events += Event.objects.filter(pk__in=dead, dedup_id=term).order_by().values_list("pk", flat=True)
    return queryset.filter(Q(organization_id__in=tenants) | Q(event_id__in=events))


class DeliveryColumns:
    """The cells; `list_select_related` has what they read."""

    @admin.display(description="Event")
    def what(self, delivery: Delivery) -> str:
        return format_html(
            '{}<span class="under">{}{}</span>',
            link_at(Delivery, delivery.pk, breakable(delivery.event_type), css="strong"),
            link_at(Event, delivery.event_id, str(delivery.event_id), css="id"),
            " (test)" if delivery.test else "",
        )

    @admin.display(description="Tenant")
    def tenant(self, delivery: Delivery) -> str:
        return link_to(delivery.organization, delivery.organization.name)

    @admin.display(description="Endpoint")
    def where_to(self, delivery: Delivery) -> str:
        return link_to(delivery.endpoint, breakable(without_query(delivery.endpoint.url)), css="url")

    @admin.display(description="Last answer")
    def answer(self, delivery: Delivery) -> str:
        return format_html(
            '<span>{}<span class="under">{}</span></span>',
            last_answer(delivery),
            how_many(delivery.attempts, "attempt"),
        )

    @admin.display(description="Status")
    def state(self, delivery: Delivery) -> str:
        """`Failed`, and when it is tried again."""
        shown = badge(delivery.status, delivery.get_status_display().partition(",")[0])
        if delivery.next_attempt_at is None:
            return shown
        return format_html(
            '<span>{}<span class="under">next {}</span></span>', shown, planned(delivery.next_attempt_at)
        )

    @admin.display(description="Died")
    def died(self, delivery: Delivery) -> str:
        return ago(delivery.settled_at)

    @admin.display(description="Made")
    def made(self, delivery: Delivery) -> str:
        return ago(delivery.created_at)


def last_answer(delivery: Delivery) -> SafeString:
    """`410 Gone`, or why there was none."""
    code = delivery.last_status_code
    if not code:
        return format_html('<span class="words">{}</span>', delivery.last_error or "Not tried yet.")
    phrase = http.client.responses.get(code, "")
    words = delivery.last_error.replace(f"The receiver answered {code}", phrase).removesuffix(".") or phrase
    return format_html('<span class="code">{}</span> <span class="words">{}</span>', code, words)

"""The admin's events: what came in, and what became of it."""

import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from deliveries import admin_replay
from deliveries.acknowledge import acknowledge_by_staff
from deliveries.admin_attempts import MOST_SHOWN, shown_attempts
from deliveries.admin_lists import last_answer
from deliveries.curl import post_event
from deliveries.event_status import STATUS
from deliveries.models import Delivery
from deliveries.querysets import OPEN
from deliveries.sent_request import SentRequests
from deliveries.timeline import timeline
from events.admin_search import events_with_dedup_id
from events.admin_words import STATUS_WORDS
from events.models import Event
from events.pretty import pretty_payload
from organizations.admin_filters import EventTypeFilter, OneOfManyFilter, PeriodFilter, as_uuid
from organizations.admin_pages import LookOnlyAdmin, actor_of, ask, done, user_id
from organizations.admin_search import tenant_ids_matching
from organizations.admin_words import ago, badge, breakable, how_many, link_to, page_of
from organizations.audit import type_of
from organizations.models import AuditEntry
from organizations.uuid7 import SLACK_OF_CLOCKS

log = structlog.get_logger(__name__)

MOST_ENTRIES = 100


class TenantFilter(OneOfManyFilter):
    title = "tenant"
    names = ("tenant",)
    source = Event._meta.get_field("organization")
    any_words = "Any tenant"


class TypeFilter(EventTypeFilter):
    field = "type"


class CreatedFilter(PeriodFilter):
    title = "came in"
    slack = SLACK_OF_CLOCKS


@admin.register(Event)
class EventAdmin(LookOnlyAdmin):
    list_display = ("what", "state", "tenant", "dedup", "came")
    list_filter = (TenantFilter, TypeFilter, CreatedFilter)
    list_select_related = ("organization",)
    list_display_links = None
    search_fields = ("id",)  # makes the search box appear; `get_search_results` does the rest
    search_help_text = (
        "The id of an event or of one of its deliveries, a part of a tenant's name, or a dedup id"
        " (of the last 24 hours; choose the tenant for older ones)."
    )
    page_template = "admin/events/event.html"
    empty_words = "No events. Whatever a tenant posts to /api/events will be here, newest first."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).defer("payload").annotate(status=STATUS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        identifier = as_uuid(term)
        if identifier:
            delivered = Delivery.objects.filter(pk=identifier).values_list("event_id", flat=True)
            return queryset.filter(pk__in=[identifier, *delivered]), False
        events = events_with_dedup_id(term, tenant=as_uuid(request.GET.get("tenant", "")))
        return queryset.filter(Q(organization_id__in=tenant_ids_matching(term)) | Q(pk__in=events)), False

    def get_urls(self) -> list[Any]:
        replay, acknowledge = (self.admin_site.admin_view(view) for view in (self.replay, self.acknowledge))
        return [
            path("<uuid:event_id>/replay/", replay, name="events_event_replay"),
            path("<uuid:event_id>/acknowledge/", acknowledge, name="events_event_acknowledge"),
            *super().get_urls(),
        ]

    def facts(self, request: HttpRequest, row: Event) -> dict[str, Any]:
        deliveries = list(Delivery.objects.filter(event=row).select_related("endpoint").order_by("pk"))
        requests = SentRequests(row.pk, [delivery.endpoint for delivery in deliveries])
        attempts = shown_attempts(deliveries, requests)
        entries = entries_about(row, deliveries) if may_see_who(request) else []
        address = request.build_absolute_uri("/api/events")
        return {
            "title": row.type,
            "status": self.state(row),
            "is_open": any(delivery.status in OPEN for delivery in deliveries),
            "payload": pretty_payload(row.pk),
            "body": requests.body(deliveries[0]) if deliveries else None,
            "curl": requests.payload
            and post_event(address=address, event_type=row.type, payload=requests.payload),
            "deliveries": [(delivery, last_answer(delivery)) for delivery in deliveries],
            "moments": timeline(row, deliveries, attempts, entries, now=timezone.now()),
            "cut": len(attempts) == MOST_SHOWN,
            "most_attempts": MOST_SHOWN,
            "may_replay": may_replay(request),
            "may_acknowledge": may_replay(request) and row.acknowledged_at is None,
            "replay_url": reverse("admin:events_event_replay", args=[row.pk]),
        }

    def replay(self, request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
        if not may_replay(request):
            raise PermissionDenied
        event = get_object_or_404(self.get_queryset(request).select_related("organization"), pk=event_id)
        if request.method == "POST":
            return self._replay(request, event)
        deliveries, new = admin_replay.event_targets(event)
        targets = len(deliveries) + len(new)
        return ask(
            self,
            request,
            row=event,
            question=f"Send this event again to {how_many(targets, 'endpoint')}?"
            if targets
            else "Nobody wants it",
            button="Replay event" if targets else "",
            back=page_of(event),
            template="admin/events/ask_replay.html",
            hidden=[("seen", admin_replay.state_of_event(event.pk))],
            deliveries=deliveries,
            new=new,
        )

    def _replay(self, request: HttpRequest, event: Event) -> HttpResponse:
        moved = admin_replay.replay_event_once(
            event, seen=request.POST.get("seen", ""), actor=actor_of(request)
        )
        log.info("admin.replayed", user_id=user_id(request), event_id=str(event.pk), deliveries=moved or 0)
        if moved:
            are = "is" if moved == 1 else "are"
            words = f"{how_many(moved, 'delivery', 'deliveries')} {are} being sent again."
            return done(request, words, to=page_of(event))
        words = "Nothing was replayed: it was done already, or what you saw has changed meanwhile."
        return done(request, words, to=page_of(event), level=messages.WARNING)

    def acknowledge(self, request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
        if not may_replay(request):
            raise PermissionDenied
        event = get_object_or_404(self.get_queryset(request).select_related("organization"), pk=event_id)
        if request.method == "POST":
            return self._acknowledge(request, event)
        waiting = Delivery.objects.filter(event=event).open().select_related("endpoint").order_by("pk")
        number = how_many(len(waiting), "delivery", "deliveries")
        question = f"Acknowledge this event and cancel {number}?" if waiting else "Acknowledge this event?"
        return ask(
            self,
            request,
            row=event,
            question=question if event.acknowledged_at is None else "This event is acknowledged already",
            button="Acknowledge event" if event.acknowledged_at is None else "",
            back=page_of(event),
            template="admin/events/ask_acknowledge.html",
            waiting=waiting,
        )

    def _acknowledge(self, request: HttpRequest, event: Event) -> HttpResponse:
        canceled = acknowledge_by_staff(event, actor=actor_of(request))
        log.info("admin.acknowledged", user_id=user_id(request), event_id=str(event.pk), canceled=canceled)
        if canceled is None:
            words = "Nothing was changed: it was acknowledged already."
            return done(request, words, to=page_of(event), level=messages.WARNING)
        words = "The event is acknowledged."
        if canceled:
            verb = "was" if canceled == 1 else "were"
            words += f" {how_many(canceled, 'delivery', 'deliveries')} {verb} canceled."
        return done(request, words, to=page_of(event))

    @admin.display(description="Event")
    def what(self, event: Event) -> str:
        return format_html(
            '{}<span class="under id">{}</span>',
            link_to(event, breakable(event.type), css="strong"),
            event.pk,
        )

    @admin.display(description="Status")
    def state(self, event: Any) -> str:
        return badge(event.status, STATUS_WORDS[event.status])

    @admin.display(description="Tenant")
    def tenant(self, event: Event) -> str:
        return link_to(event.organization, event.organization.name)

    @admin.display(description="Dedup id")
    def dedup(self, event: Event) -> str:
        return event.dedup_id or "–"

    @admin.display(description="Came in")
    def came(self, event: Event) -> str:
        return ago(event.created_at)


def entries_about(event: Event, deliveries: Sequence[Delivery]) -> "QuerySet[AuditEntry]":
    """What staff did with it."""
    with_event = Q(object_type=type_of(event), object_id=str(event.pk))
    with_delivery = Q(object_type=type_of(Delivery()), object_id__in=[str(one.pk) for one in deliveries])
    return AuditEntry.objects.filter(with_event | with_delivery).order_by("pk")[:MOST_ENTRIES]


def may_see_who(request: HttpRequest) -> bool:
    return request.user.has_perm("organizations.view_auditentry")


def may_replay(request: HttpRequest) -> bool:
    """Replaying an event moves its deliveries, and so does acknowledging it."""
    return request.user.has_perm("deliveries.change_delivery")

"""The audit log's page: looked at and searched, and nothing else."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from organizations.admin_filters import OneOfManyFilter, PeriodFilter, TextFilter
from organizations.admin_pages import LookOnlyAdmin
from organizations.admin_words import ago, link_to
from organizations.models import AuditEntry


class WhoFilter(TextFilter):
    title = "who"
    names = ("who",)
    placeholder = "a user's name"

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset.filter(actor_name=self.wanted) if self.wanted else queryset


class ActionFilter(TextFilter):
    """`endpoint.paused`, or `endpoint.*`."""

    title = "action"
    names = ("action",)
    placeholder = "endpoint.paused or user.*"
    suggestions = (
        "admin.login",
        "admin.login_failed",
        "deliveries.replayed",
        "delivery.replayed",
        "endpoint.paused",
        "endpoint.resumed",
        "endpoint.secret_rotated",
        "endpoint.tested",
        "endpoint.traceparent_changed",
        "endpoint.url_changed",
        "event.acknowledged",
        "event.replayed",
        "events.exported",
        "key.revoked",
        "organization.erased",
        "periodictask.*",
        "role.*",
        "second_factor.*",
        "tier.changed",
        "user.*",
    )

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        if self.wanted.endswith(".*"):
            return queryset.filter(action__startswith=self.wanted[:-1])
        return queryset.filter(action=self.wanted) if self.wanted else queryset


class TenantFilter(OneOfManyFilter):
    title = "tenant"
    names = ("tenant",)
    source = AuditEntry._meta.get_field("organization")
    any_words = "Any tenant"


class WhenFilter(PeriodFilter):
    title = "when"
    field = "at"


class AuditEntryAdmin(LookOnlyAdmin):
    list_display = ("what", "who", "on_what", "tenant", "came_from", "when")
    list_filter = (WhoFilter, ActionFilter, TenantFilter, WhenFilter)
    list_select_related = ("organization",)
    list_display_links = None
    search_fields = ("object_id",)  # makes the search box appear; `get_search_results` does the rest
    search_help_text = "The id or a part of the name of what it was done to, an address, or a request's id."
    page_template = "admin/organizations/audit_entry.html"
    shown_as = "Audit log"
    empty_words = "Nothing was done yet. Whatever staff change here, and who logs in, is written down."

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: not even an owner."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> "tuple[QuerySet[Any], bool]":
        term = search_term.strip()
        if not term:
            return queryset, False
        exact = Q(object_id=term) | Q(request_id=term) | Q(address=term)
        return queryset.filter(exact | Q(object_words__icontains=term)), False

    def facts(self, request: HttpRequest, row: AuditEntry) -> dict[str, Any]:
        names = [*row.before, *(name for name in row.after if name not in row.before)]
        changes = [(name, row.before.get(name, "–"), row.after.get(name, "–")) for name in names]
        return {"title": row.words, "shown_as": self.shown_as, "changes": changes}

    @admin.display(description="Action")
    def what(self, entry: AuditEntry) -> str:
        return format_html(
            '<span>{}<span class="under">{}</span></span>',
            link_to(entry, entry.words, css="strong"),
            entry.action,
        )

    @admin.display(description="Who")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_name

    @admin.display(description="To what")
    def on_what(self, entry: AuditEntry) -> str:
        kind = entry.object_type.partition(".")[2]
        return format_html('<span>{}<span class="under">{}</span></span>', entry.object_words or "–", kind)

    @admin.display(description="Tenant")
    def tenant(self, entry: AuditEntry) -> str:
        return link_to(entry.organization, entry.organization.name) if entry.organization else "–"

    @admin.display(description="From")
    def came_from(self, entry: AuditEntry) -> str:
        return entry.address or "–"

    @admin.display(description="When")
    def when(self, entry: AuditEntry) -> str:
        return ago(entry.at)

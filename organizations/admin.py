"""The admin's tenants: all there is about one, and staff raise its tier and revoke its keys.

Neither a key nor its hash is shown anywhere.
"""

import uuid
from typing import Any

import structlog
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from deliveries.admin_tenant import facts_of_tenant
from events.admin_arrivals import accepted_lately
from organizations import admin_people, admin_schedules  # noqa: F401  (both register themselves)
from organizations.admin_audit_log import AuditEntryAdmin
from organizations.admin_filters import ChoiceFilter
from organizations.admin_lists import ListAdmin
from organizations.admin_pages import actor_of, ask, done, user_id
from organizations.admin_search import tenants_matching
from organizations.admin_words import ago, badge, link_to, page_of
from organizations.audit import record
from organizations.errors import LastKey
from organizations.keys import revoke_key
from organizations.limits import look
from organizations.models import ApiKey, AuditEntry, Organization
from organizations.tiers import Tier
from organizations.verification import allowed_limit

log = structlog.get_logger(__name__)

ENTRIES_SHOWN = 10  # of the audit log

admin.site.register(AuditEntry, AuditEntryAdmin)


class TierFilter(ChoiceFilter):
    title = "tier"
    names = ("tier",)
    field = "tier"
    options = Tier.choices


@admin.register(Organization)
class OrganizationAdmin(ListAdmin):
    list_display = ("who", "level", "limit", "accepted", "made")
    list_filter = (TierFilter,)
    list_display_links = None
    search_fields = ("name",)  # also what the tenant filters ask
    search_help_text = "A part of the name, the tenant's id, or the visible part of one of its keys (trg_…)."
    fieldsets = (
        (
            "Limits",
            {"classes": ("part",), "fields": ("tier", ("limit", "inbox"), ("made", "id"))},
        ),
    )
    readonly_fields = ("name", "limit", "inbox", "id", "made")
    audit_noun = "tier"
    change_form_template = "admin/organizations/organization.html"
    empty_words = "No tenants."
    hint = "A tenant signs up by itself, or is made with manage.py create_organization, which prints its first key."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(pk__in=tenants_matching(term).values("pk")) if term else queryset), False

    def get_urls(self) -> list[Any]:
        route = "<uuid:organization_id>/keys/<uuid:key_id>/revoke/"
        view = self.admin_site.admin_view(self.revoke)
        return [path(route, view, name="organizations_apikey_revoke"), *super().get_urls()]

    def add_figures(self, rows: list[Any]) -> None:
        accepted = accepted_lately([row.pk for row in rows])
        for row in rows:
            row.accepted_lately = accepted.get(row.pk, 0)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= {
            **facts_of_tenant(request, obj),
            "title": obj.name,
            "subtitle": None,
            "use": look(allowed_limit(obj)),
            "keys": ApiKey.objects.of(obj).listed().order_by("-pk"),
            "may_revoke": may_revoke(request),
            "show_save_and_continue": False,
        }
        if request.user.has_perm("organizations.view_auditentry"):
            context["entries"] = AuditEntry.objects.about(obj)[:ENTRIES_SHOWN]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """The tier alone: whatever else the API changed meanwhile stays."""
        if not form.has_changed():
            return
        Organization.objects.filter(pk=obj.pk).update(tier=obj.tier)
        log.info("admin.tier_changed", user_id=user_id(request), organization_id=str(obj.pk), tier=obj.tier)

    def revoke(self, request: HttpRequest, organization_id: uuid.UUID, key_id: uuid.UUID) -> HttpResponse:
        if not may_revoke(request):
            raise PermissionDenied
        key = get_object_or_404(
            ApiKey.objects.select_related("organization"), pk=key_id, organization_id=organization_id
        )
        if request.method == "POST":
            return self._revoke(request, key)
        is_last = not ApiKey.objects.of(key.organization).valid().exclude(pk=key.pk).exists()
        return ask(
            self,
            request,
            row=key.organization,
            question="Revoke this key?",
            button="Revoke key" if key.revoked_at is None and not is_last else "",
            back=page_of(key.organization),
            template="admin/organizations/ask_revoke.html",
            key=key,
            is_last=is_last,
        )

    def _revoke(self, request: HttpRequest, key: ApiKey) -> HttpResponse:
        page = page_of(key.organization)
        if key.revoked_at is not None:
            return done(request, "It was revoked already.", to=page, level=messages.WARNING)
        try:
            revoke_key(key.organization, key.pk)
        except LastKey:
            words = (
                "Not revoked: it is the last valid key, and without one the tenant could never make another."
            )
            return done(request, words, to=page, level=messages.ERROR)
        log.info("admin.key_revoked", user_id=user_id(request), key_id=str(key.pk))
        revoked = ApiKey.objects.get(pk=key.pk)
        record(
            actor_of(request),
            "key.revoked",
            row=revoked,
            before={"revoked_at": None},
            after={"revoked_at": str(revoked.revoked_at)},
        )
        return done(request, f"The key {key.prefix}… is refused from now on.", to=page)

    @admin.display(description="Tenant")
    def who(self, organization: Organization) -> str:
        return link_to(organization, organization.name, css="strong")

    @admin.display(description="Tier")
    def level(self, organization: Organization) -> str:
        return badge("tier", organization.get_tier_display())

    @admin.display(description="Events a minute")
    def limit(self, organization: Organization) -> str:
        return f"{organization.rate_limit_per_minute:,}"

    @admin.display(description="Events, last day")
    def accepted(self, organization: Any) -> str:
        return f"{organization.accepted_lately:,}"

    @admin.display(description="Inbox only")
    def inbox(self, organization: Organization) -> str:
        return "yes: its events wait in the inbox" if organization.inbox_only else "no"

    @admin.display(description="Made")
    def made(self, organization: Organization) -> str:
        return ago(organization.created_at)


def may_revoke(request: HttpRequest) -> bool:
    return request.user.has_perm("organizations.change_apikey")

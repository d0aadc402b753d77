"""The admin's endpoints: how each is doing, and pausing and resuming it. Their secrets are not shown anywhere here."""

import uuid
from typing import Any

import structlog
from cryptography.fernet import InvalidToken
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html

from deliveries.custom_headers import opened
from deliveries.models import Delivery, Endpoint
from deliveries.ring import ring_after_commit
from organizations.admin_filters import ChoiceFilter, OneOfManyFilter, as_uuid
from organizations.admin_lists import MOST_COUNTED, OrMore
from organizations.admin_pages import LookOnlyAdmin, actor_of, ask, done, user_id
from organizations.admin_search import tenant_ids_matching
from organizations.admin_words import ago, badge, breakable, link_to, page_of, without_query
from organizations.audit import record

log = structlog.get_logger(__name__)


class TenantFilter(OneOfManyFilter):
    title = "tenant"
    names = ("tenant",)
    source = Endpoint._meta.get_field("organization")
    any_words = "Any tenant"


class StateFilter(ChoiceFilter):
    title = "state"
    names = ("state",)
    field = "state"
    options = (*Endpoint.State.choices, ("deleted", "Deleted"))

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.wanted == "deleted":
            return queryset.filter(deleted_at__isnull=False)
        return queryset.filter(deleted_at__isnull=True, state=self.wanted)


class EndpointAdmin(LookOnlyAdmin):
    list_display = ("where", "tenant", "condition", "failures", "succeeded", "failed")
    list_filter = (StateFilter, TenantFilter)
    list_select_related = ("organization",)
    list_display_links = None
    search_fields = ("url",)
    search_help_text = "A part of the URL, a part of a tenant's name, or the endpoint's id."
    page_template = "admin/deliveries/endpoint.html"
    empty_words = "No endpoints. A tenant's webhook URL will be here once it has set one."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also what the endpoint filter of the deliveries asks."""
        term = search_term.strip()
        if not term:
            return queryset, False
        by_id = Q(pk=as_uuid(term)) if as_uuid(term) else Q()
        by_tenant = Q(organization_id__in=tenant_ids_matching(term))
        return queryset.filter(Q(url__icontains=term) | by_tenant | by_id), False

    def get_urls(self) -> list[Any]:
        routes = [
            path(
                f"<uuid:endpoint_id>/{verb}/",
                self.admin_site.admin_view(view),
                name=f"deliveries_endpoint_{verb}",
            )
            for verb, view in (("pause", self.pause), ("resume", self.resume))
        ]
        return [*routes, *super().get_urls()]

    def facts(self, request: HttpRequest, row: Endpoint) -> dict[str, Any]:
        verb = "pause" if row.state == Endpoint.State.ENABLED else "resume"
        return {
            "title": without_query(row.url),
            "condition": self.condition(row),
            "waiting": waiting(row),
            "header_names": header_names(row),
            "verb": verb,
            "verb_url": reverse(f"admin:deliveries_endpoint_{verb}", args=[row.pk]),
            "may_move": self.has_change_permission(request, row) and row.deleted_at is None,
        }

    def pause(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        """Its deliveries are kept and wait."""
        endpoint = self._found(request, endpoint_id)
        if request.method == "POST":
            return self._moved(request, endpoint, Endpoint.objects.filter(pk=endpoint_id).pause(), "paused")
        return self._ask(request, endpoint, "Pause this endpoint?", "Pause", Endpoint.State.ENABLED)

    def resume(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        """What waits for it is sent."""
        endpoint = self._found(request, endpoint_id)
        if request.method == "POST":
            moved = Endpoint.objects.filter(pk=endpoint_id).resume()
            ring_after_commit()
            return self._moved(request, endpoint, moved, "resumed")
        return self._ask(
            request,
            endpoint,
            "Resume this endpoint?",
            "Resume",
            Endpoint.State.PAUSED,
            Endpoint.State.DISABLED,
        )

    def _found(self, request: HttpRequest, endpoint_id: uuid.UUID) -> Endpoint:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(Endpoint.objects.present().select_related("organization"), pk=endpoint_id)

    def _ask(
        self, request: HttpRequest, endpoint: Endpoint, question: str, verb: str, *fits: str
    ) -> HttpResponse:
        return ask(
            self,
            request,
            row=endpoint,
            question=question,
            button=f"{verb} endpoint" if endpoint.state in fits else "",
            back=page_of(endpoint),
            template="admin/deliveries/ask_endpoint.html",
            verb=verb,
            condition=self.condition(endpoint),
            waiting=waiting(endpoint),
        )

    def _moved(self, request: HttpRequest, endpoint: Endpoint, moved: int, verb: str) -> HttpResponse:
        log.info(
            "admin.endpoint_moved",
            user_id=user_id(request),
            endpoint_id=str(endpoint.pk),
            to=verb,
            moved=moved,
        )
        if not moved:
            return done(request, f"It was {verb} already.", to=page_of(endpoint), level=messages.WARNING)
        record(
            actor_of(request),
            f"endpoint.{verb}",
            row=endpoint,
            before={"state": endpoint.state},
            after={"state": Endpoint.objects.values_list("state", flat=True).get(pk=endpoint.pk)},
        )
        return done(request, f"The endpoint is {verb}.", to=page_of(endpoint))

    @admin.display(description="URL")
    def where(self, endpoint: Endpoint) -> str:
        return link_to(endpoint, breakable(without_query(endpoint.url)), css="url")

    @admin.display(description="Tenant")
    def tenant(self, endpoint: Endpoint) -> str:
        return link_to(endpoint.organization, endpoint.organization.name)

    @admin.display(description="State")
    def condition(self, endpoint: Endpoint) -> str:
        if endpoint.deleted_at is not None:
            return badge("deleted", "Deleted")
        state = badge(endpoint.state, endpoint.get_state_display())
        if endpoint.circuit == Endpoint.Circuit.CLOSED:
            return state
        circuit = badge("failed", f"Circuit {endpoint.get_circuit_display().lower()}")
        return format_html("{} {}", state, circuit)

    @admin.display(description="Failures in a row")
    def failures(self, endpoint: Endpoint) -> int:
        return endpoint.consecutive_failures

    @admin.display(description="Last success")
    def succeeded(self, endpoint: Endpoint) -> str:
        return ago(endpoint.last_success_at, never="never")

    @admin.display(description="Last failure")
    def failed(self, endpoint: Endpoint) -> str:
        return ago(endpoint.last_failure_at, never="never")


def waiting(endpoint: Endpoint) -> int:
    """How many deliveries are still to be sent there."""
    number = Delivery.objects.filter(endpoint=endpoint).open().order_by()[: MOST_COUNTED + 1].count()
    return number if number <= MOST_COUNTED else OrMore(MOST_COUNTED)


def header_names(endpoint: Endpoint) -> str:
    """Of the headers that the tenant sends along; their values are nobody's business here."""
    try:
        return ", ".join(opened(endpoint.encrypted_headers))
    except InvalidToken:
        return "They can't be read: FIELD_ENCRYPTION_KEYS lacks their key."

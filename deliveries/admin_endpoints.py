"""The admin's endpoints: their list, and how each is doing. Their secrets are not shown anywhere here."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import path, reverse

from deliveries.admin_endpoint_sends import EndpointSends, may_replay
from deliveries.admin_endpoint_words import condition_of, counted, deliveries_to, header_names, waiting
from deliveries.admin_health import health_of
from deliveries.admin_lately import lately
from deliveries.admin_latest import latest_attempts
from deliveries.admin_lists import last_answer
from deliveries.admin_traffic import figures_of_endpoint
from deliveries.models import Delivery, Endpoint
from organizations.admin_filters import ChoiceFilter, OneOfManyFilter, as_uuid
from organizations.admin_search import tenant_ids_matching
from organizations.admin_words import ago, breakable, link_to, percent, without_query

WAITING_SHOWN = 10


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


class EndpointAdmin(EndpointSends):
    list_display = ("where", "tenant", "condition", "rate", "queue", "failures", "succeeded", "failed")
    list_filter = (StateFilter, TenantFilter)
    list_select_related = ("organization",)
    list_display_links = None
    search_fields = ("url",)
    search_help_text = "A part of the URL, a part of a tenant's name, or the endpoint's id."
    page_template = "admin/deliveries/endpoint.html"
    empty_words = "No endpoints. A tenant's webhook URL will be here once it has set one."

    def add_figures(self, rows: list[Any]) -> None:
        how = lately(rows)
        for row in rows:
            row.lately = how[row.pk]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also what the endpoint filter of the deliveries asks."""
        term = search_term.strip()
        if not term:
            return queryset, False
        by_id = Q(pk=as_uuid(term)) if as_uuid(term) else Q()
        by_tenant = Q(organization_id__in=tenant_ids_matching(term))
        return queryset.with_bare_url().filter(  # type: ignore[attr-defined]
            Q(bare_url__icontains=term) | by_tenant | by_id
        ), False

    def get_urls(self) -> list[Any]:
        views: dict[str, Any] = {
            "pause/": self.pause,
            "resume/": self.resume,
            "rotate/": self.rotate,
            "url/": self.change_url,
            "traceparent/": self.change_traceparent,
            "replay/": self.replay,
            "test/": self.test,
            "test/<uuid:delivery_id>/": self.test_answer,
        }
        routes = [
            path(
                f"<uuid:endpoint_id>/{route}",
                self.admin_site.admin_view(view),
                name=f"deliveries_endpoint_{'answer' if 'delivery' in route else route.rstrip('/')}",
            )
            for route, view in views.items()
        ]
        return [*routes, *super().get_urls()]

    def facts(self, request: HttpRequest, row: Endpoint) -> dict[str, Any]:
        figures = figures_of_endpoint(request, row.pk)
        return {
            **figures,
            "title": without_query(row.url),
            "condition": condition_of(row),
            "health": health_of(row, figures["day"]),
            "success_rate": percent(figures["day"].success_rate),
            "waiting": waiting(row),
            "header_names": header_names(row),
            "tools": [
                (words, reverse(f"admin:deliveries_endpoint_{verb}", args=[row.pk]), is_first)
                for words, verb, is_first in self._tools(request, row)
            ],
            **(sent_to(row) if request.user.has_perm("deliveries.view_delivery") else {}),
        }

    def _tools(self, request: HttpRequest, row: Endpoint) -> list[tuple[str, str, bool]]:
        """What this person may do: its words, its verb, and whether it is what one would do first."""
        if row.deleted_at is not None:
            return []
        tools: list[tuple[str, str, bool]] = []
        enabled = row.state == Endpoint.State.ENABLED
        may_move = self.has_change_permission(request, row)
        if may_move:
            tools += [("Send test event…", "test", True)] if enabled else [("Resume…", "resume", True)]
        if may_replay(request):
            tools += [("Replay a time window…", "replay", False)]
        if may_move:
            tools += [("Rotate secret…", "rotate", False), ("Change URL…", "url", False)]
            tools += [("Pause…", "pause", False)] if enabled else []
            tools += [
                (
                    "Stop passing traces on…" if row.send_traceparent else "Pass traces on…",
                    "traceparent",
                    False,
                )
            ]
        return tools

    @admin.display(description="URL")
    def where(self, endpoint: Endpoint) -> str:
        return link_to(endpoint, breakable(without_query(endpoint.url)), css="url")

    @admin.display(description="Tenant")
    def tenant(self, endpoint: Endpoint) -> str:
        return link_to(endpoint.organization, endpoint.organization.name)

    @admin.display(description="State")
    def condition(self, endpoint: Endpoint) -> str:
        return condition_of(endpoint)

    @admin.display(description="Success, last day")
    def rate(self, endpoint: Any) -> str:
        return percent(endpoint.lately.success_rate)

    @admin.display(description="Waiting")
    def queue(self, endpoint: Any) -> str:
        return f"{endpoint.lately.waiting:,}"

    @admin.display(description="Failures in a row")
    def failures(self, endpoint: Endpoint) -> int:
        return endpoint.consecutive_failures

    @admin.display(description="Last success")
    def succeeded(self, endpoint: Endpoint) -> str:
        return ago(endpoint.last_success_at, never="never")

    @admin.display(description="Last failure")
    def failed(self, endpoint: Endpoint) -> str:
        return ago(endpoint.last_failure_at, never="never")


def sent_to(endpoint: Endpoint) -> dict[str, Any]:
    """The latest attempts, what waits, and how much was given up."""
    open_ones = Delivery.objects.filter(endpoint=endpoint).open().order_by("next_attempt_at")[:WAITING_SHOWN]
    return {
        "may_see_deliveries": True,
        "attempts": latest_attempts(endpoint),
        "waiting_rows": [(delivery, last_answer(delivery)) for delivery in open_ones],
        "dead_letters": counted(deliveries_to(endpoint).dead()),
    }

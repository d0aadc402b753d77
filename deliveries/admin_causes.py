"""The dead letters by endpoint and cause: the same filters, and one line for all that died of the same thing."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from deliveries.causes import Group, Grouped, group_by_cause, in_words
from deliveries.models import Endpoint
from deliveries.picked import StaffReplay
from organizations import admin_lists
from organizations.admin_filters import AskingFilter
from organizations.admin_lists import (
    SECONDS,
    TOO_LONG_ADVICE,
    ListAdmin,
    OrMore,
    PatientChangeList,
)
from organizations.admin_words import how_many
from organizations.patience import TookTooLong, patience

CAUSES = "deliveries_deadletter_causes"
LIST = "deliveries_deadletter_changelist"
COUNTING_SECONDS = 2  # for the exact number of very many
RUNNING_SHOWN = 3


@dataclass(frozen=True)
class Line:
    """A group, and the addresses of what can be done with it."""

    group: Group
    endpoint: Endpoint
    cause: str
    these: str


class CausesList(PatientChangeList):
    """Its rows are lines; they all are on one page."""

    def get_results(self, request: HttpRequest) -> None:
        try:
            with patience(SECONDS):
                found = group_by_cause(self.queryset)
        except TookTooLong:
            found = Grouped([], 0, 0)
            messages.warning(request, f"This took longer than {SECONDS} seconds. {TOO_LONG_ADVICE}")
        self.summary = summary_of(found)
        self.result_list = self._lines(request, found)
        self.result_count = found.deliveries
        self.full_result_count = None
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False

    def _lines(self, request: HttpRequest, found: Grouped) -> list[Line]:
        ids = {group.endpoint_id for group in found.largest}
        endpoints = Endpoint.objects.select_related("organization").in_bulk(ids)
        return [
            Line(
                group,
                endpoints[group.endpoint_id],
                in_words(group.cause),
                narrowing(request, endpoint=str(group.endpoint_id), cause=group.cause),
            )
            for group in found.largest
            if group.endpoint_id in endpoints
        ]


class ByCause(ListAdmin):
    """What the list of dead letters has besides its rows: the groups, exact numbers, and what runs over them."""

    change_list_template = "admin/deliveries/dead_letters.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.causes_view)
        return [path("causes/", view, name=CAUSES), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        by_cause = request.resolver_match is not None and request.resolver_match.url_name == CAUSES
        return CausesList if by_cause else super().get_changelist(request, **kwargs)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page = super().changelist_view(request, self._around(request))
        context = page.context_data if isinstance(page, TemplateResponse) else None
        if context and "cl" in context:  # else an action asks
            context["number"] = exact_number(context["cl"])
        return page

    def causes_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            **self._around(request),
            "title": "Dead letters by endpoint and cause",
            "by_cause": True,
            "cl": changelist,
            "opts": self.opts,
            "media": self.media,
            "has_add_permission": False,
            "actions_on_top": True,  # else Django's page has an inline style, which no browser would take
            "number": f"{changelist.result_count:,}",
        }
        return TemplateResponse(request, "admin/deliveries/causes.html", context)

    def _around(self, request: HttpRequest) -> dict[str, Any]:
        query = narrowing(request)
        return {
            "may_move": self.has_change_permission(request),
            "one_by_one_url": f"{reverse(f'admin:{LIST}')}{query}",
            "causes_url": f"{reverse(f'admin:{CAUSES}')}{query}",
            "query": query,
            "running": list(StaffReplay.objects.running().order_by("-pk")[:RUNNING_SHOWN]),
        }


def narrowing(request: HttpRequest, **more: str) -> str:
    """The search and the filters as the address has them, without those that are empty, and these."""
    given = {name: value for name, value in request.GET.items() if value and name != PAGE_VAR}
    query = urlencode({**given, **more})
    return f"?{query}" if query else ""


def exact_number(changelist: ChangeList) -> str:
    """How many the list has, though it stopped counting; empty when that takes too long."""
    if changelist.result_count != admin_lists.MOST_COUNTED or not isinstance(changelist.result_count, OrMore):
        return f"{changelist.result_count:,}"
    try:
        with patience(COUNTING_SECONDS):
            return f"{changelist.queryset.order_by().values('pk').count():,}"
    except TookTooLong:
        return ""


def which_words(changelist: ChangeList, plural: str) -> str:
    """`dead letters; tenant: Acme; last status code: 503`: what the filters let through, for people."""
    words = [plural]
    if changelist.query:
        words.append(f"search: {changelist.query}")
    for spec in changelist.filter_specs:
        for name, value in cast("AskingFilter", spec).given.items():
            if value:
                words.append(cast("AskingFilter", spec).asked(name))
    return "; ".join(words)


def summary_of(found: Grouped) -> str:
    """Above the table."""
    letters, groups = how_many(found.deliveries, "dead letter"), how_many(found.groups, "group")
    if found.groups > len(found.largest):
        return f"{letters} in {groups}. These are the {len(found.largest)} largest; narrow them down to see the others."
    return f"{letters} in {groups}."

"""The admin's dead letters, deliveries and endpoints: what happened, and sending again."""

import uuid
from datetime import datetime
from typing import Any

import structlog
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from deliveries import admin_new_url, admin_replay, curl
from deliveries.admin_attempts import MOST_SHOWN, shown_attempts
from deliveries.admin_causes import ByCause, narrowing, which_words
from deliveries.admin_discard import Discarding, too_many
from deliveries.admin_endpoints import EndpointAdmin
from deliveries.admin_lists import (
    SEARCH_HELP,
    AnswerFilter,
    CauseFilter,
    CreatedFilter,
    DeliveryColumns,
    DiedFilter,
    EndpointFilter,
    KindFilter,
    StatusFilter,
    TenantFilter,
    TypeFilter,
    search_deliveries,
)
from deliveries.admin_replays import StaffReplayAdmin
from deliveries.models import DeadLetter, Delivery, Endpoint
from deliveries.picked import StaffReplay
from deliveries.querysets import DISCARDED, OPEN, DeliveryQuerySet
from deliveries.sent_request import SentRequests
from deliveries.staff_replay import start_staff_replay
from deliveries.timeline import what_comes_next
from events.models import Event
from events.pretty import pretty_payload
from organizations.admin_filters import EventTypeFilter, moment
from organizations.admin_lists import FiltersOnly
from organizations.admin_pages import LookOnlyAdmin, actor_of, ask, done, own_transaction, user_id
from organizations.admin_words import address, how_many, page_of
from organizations.models import new_id

log = structlog.get_logger(__name__)

admin.site.register(Endpoint, EndpointAdmin)
admin.site.register(StaffReplay, StaffReplayAdmin)


class ReplayingAdmin(DeliveryColumns, LookOnlyAdmin):
    """What both lists can do. `deliveries.change_delivery` says who may replay."""

    list_select_related = ("organization", "endpoint")
    list_display_links = None
    search_fields = ("id",)  # makes the search box appear; `get_search_results` does the rest
    search_help_text = SEARCH_HELP
    actions: tuple[str, ...] = ("replay_ticked",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("deliveries.view_delivery") or self.has_change_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("deliveries.change_delivery")

    def get_urls(self) -> list[Any]:
        name = f"deliveries_{self.opts.model_name}_replay"
        return [path("replay/", self.admin_site.admin_view(self.replay_many), name=name), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The pages that ask need no rows."""
        asking = [f"deliveries_{self.opts.model_name}_{verb}" for verb in ("replay", "discard")]
        is_asking = request.resolver_match is not None and request.resolver_match.url_name in asking
        return FiltersOnly if is_asking else super().get_changelist(request, **kwargs)

    def get_action_choices(self, request: HttpRequest, default_choices: Any = ()) -> list[tuple[str, str]]:
        """There is but one, so it is chosen already."""
        return super().get_action_choices(request, [])

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        columns = tuple(super().get_list_display(request))
        return (*columns, "again") if self.has_change_permission(request) else columns

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return search_deliveries(
            queryset, term, tenant=request.GET.get("tenant", "")
        ) if term else queryset, False

    @admin.display(description="")
    def again(self, delivery: Delivery) -> str:
        if not may_be_sent(delivery):
            return ""
        return format_html('<a class="again" href="{}">{}</a>', replay_url(delivery), again_words(delivery))

    @admin.action(permissions=["change"], description="Replay…")
    def replay_ticked(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """The list's action asks; `replay_many` does."""
        if request.POST.get("select_across") == "1":
            return self._ask(request, queryset)
        return self._ask(request, queryset, ids=request.POST.getlist("_selected_action"))

    @own_transaction
    def replay_many(self, request: HttpRequest) -> HttpResponse:
        """By GET it asks about all that its filters let through; by POST it replays what was asked about."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            if request.method != "POST":
                return self._ask(request, self.get_changelist_instance(request).queryset)
            as_of = moment(request.POST.get("as_of", ""))
            ids = [str(uuid.UUID(text)) for text in request.POST.getlist("id")]
            if as_of is not None and ids:
                return self._replay(request, ids, as_of)
            if as_of is not None and "all" in request.POST:
                return self._replay_all(request, uuid.UUID(request.POST["all"]), as_of)
        except (ValueError, IncorrectLookupParameters):
            pass  # not what our pages send
        return done(request, "Nothing was chosen.", to=self._back(request), level=messages.WARNING)

    def _ask(
        self, request: HttpRequest, chosen: QuerySet[Any], ids: list[str] | None = None, url_fault: str = ""
    ) -> HttpResponse:
        plan = admin_replay.plan(chosen)
        if plan is None:
            return too_many(self, request, self._back(request), "replay")
        what = how_many(plan.deliveries, str(self.opts.verbose_name), str(self.opts.verbose_name_plural))
        where = how_many(plan.endpoints, "endpoint")
        return ask(
            self,
            request,
            question=f"Replay {what} to {where}?" if plan.deliveries else "There is nothing to replay",
            button=f"Replay {what}" if plan.deliveries else "",
            back=self._back(request),
            template="admin/deliveries/ask_replay.html",
            action=f"{reverse(f'admin:deliveries_{self.opts.model_name}_replay')}{narrowing(request)}",
            hidden=[
                ("as_of", plan.as_of.isoformat()),
                *([("id", pk) for pk in ids] if ids else [("all", str(new_id()))]),
            ],
            plan=plan,
            left_alone=len(ids) - plan.deliveries if ids else 0,
            **admin_new_url.field(
                request, plan.rows[0]["endpoint"] if plan.endpoints == 1 else None, fault=url_fault
            ),
        )

    def _replay(self, request: HttpRequest, ids: list[str], as_of: datetime) -> HttpResponse:
        chosen = self.get_queryset(request).filter(pk__in=ids)
        try:
            new = admin_new_url.wanted(request)
        except admin_new_url.NoURL as fault:
            return self._ask(request, chosen, ids, str(fault))
        with admin_new_url.moved_on_the_way(request, new) as moved:
            asked = admin_replay.Asked(as_of, actor_of(request))
            moved.append(admin_replay.replay_ticked(to_that_endpoint(chosen, new), asked))
        return told(request, moved[0], to=self._back(request))

    def _replay_all(self, request: HttpRequest, replay_id: uuid.UUID, as_of: datetime) -> HttpResponse:
        """In the background; its page shows how far it is."""
        changelist = self.get_changelist_instance(request)
        try:
            new = admin_new_url.wanted(request)
        except admin_new_url.NoURL as fault:
            return self._ask(request, changelist.queryset, url_fault=str(fault))
        with admin_new_url.moved_on_the_way(request, new) as begun:
            replay = start_staff_replay(
                admin_replay.replayable(to_that_endpoint(changelist.queryset, new), as_of=as_of),
                replay_id=replay_id,
                as_of=as_of,
                which=which_words(changelist, str(self.opts.verbose_name_plural)),
                actor=actor_of(request),
            )
            begun.append(replay)
        if replay is None:
            return told(request, 0, to=self._back(request))
        return HttpResponseRedirect(page_of(replay))

    def _back(self, request: HttpRequest) -> str:
        return f"{reverse(f'admin:deliveries_{self.opts.model_name}_changelist')}{narrowing(request)}"


@admin.register(DeadLetter)
class DeadLetterAdmin(Discarding, ByCause, ReplayingAdmin):
    list_display = ("what", "tenant", "where_to", "answer", "died")
    list_filter = (
        TenantFilter,
        EndpointFilter,
        EventTypeFilter,
        KindFilter,
        AnswerFilter,
        DiedFilter,
        CauseFilter,
    )
    actions = ("replay_ticked", "discard_ticked")
    ordering = ("-settled_at",)
    empty_words = (
        "No dead letters: nothing has been given up. A delivery comes here when its last attempt has failed, or when"
        " its receiver answers 410; here it waits until somebody replays or discards it."
    )

    def get_queryset(self, request: HttpRequest) -> DeliveryQuerySet:
        return super().get_queryset(request).dead()  # type: ignore[attr-defined]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A dead letter is a delivery, and has one page."""
        return HttpResponseRedirect(reverse("admin:deliveries_delivery_change", args=[object_id]))


@admin.register(Delivery)
class DeliveryAdmin(ReplayingAdmin):
    list_display = ("what", "state", "tenant", "where_to", "answer", "made")
    list_filter = (StatusFilter, TenantFilter, EndpointFilter, TypeFilter, AnswerFilter, CreatedFilter)
    page_template = "admin/deliveries/delivery.html"
    empty_words = "No deliveries. There will be one for each event and each endpoint that wants it."

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.replay_one)
        return [
            path("<uuid:delivery_id>/replay/", view, name="deliveries_delivery_replay_one"),
            *super().get_urls(),
        ]

    def facts(self, request: HttpRequest, row: Delivery) -> dict[str, Any]:
        may = self.has_change_permission(request) and may_be_sent(row)
        requests = SentRequests(row.event_id, [row.endpoint])
        attempts = shown_attempts([row], requests)
        latest = attempts[-1].request if attempts else None
        latest = latest or requests.made(row, number=1, moment=timezone.now())
        body = requests.body(row)
        return {
            "title": row.event_type,
            "is_open": row.status in OPEN,
            "attempts": attempts,
            "next": what_comes_next(row, now=timezone.now()),
            "body": body,
            "curl": None if body is None else curl.send_webhook(latest, body),
            "most_attempts": MOST_SHOWN,
            "payload": pretty_payload(row.event_id),
            "event": Event(pk=row.event_id),
            "replay_url": replay_url(row) if may else "",
            "discard_url": discard_url(row)
            if self.has_change_permission(request) and row.status == Delivery.Status.DEAD_LETTER
            else "",
            "discarded": row.last_error
            if row.status == Delivery.Status.CANCELED and row.last_error.startswith(DISCARDED)
            else "",
            "replay_words": again_words(row),
        }

    @own_transaction
    def replay_one(self, request: HttpRequest, delivery_id: uuid.UUID) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        delivery = get_object_or_404(
            Delivery.objects.select_related("organization", "endpoint"), pk=delivery_id
        )
        if request.method == "POST":
            return self._replay_one(request, delivery)
        return self._ask_one(request, delivery)

    def _replay_one(self, request: HttpRequest, delivery: Delivery) -> HttpResponse:
        try:
            new = admin_new_url.wanted(request)
        except admin_new_url.NoURL as fault:
            return self._ask_one(request, delivery, str(fault))
        if new is not None and new.endpoint.pk != delivery.endpoint_id:
            return told(request, 0, to=page_of(delivery))
        with admin_new_url.moved_on_the_way(request, new) as moved:
            seen = request.POST.get("seen", "")
            moved.append(admin_replay.replay_one(delivery, seen=seen, actor=actor_of(request)))
        return told(request, moved[0], to=page_of(delivery))

    def _ask_one(self, request: HttpRequest, delivery: Delivery, url_fault: str = "") -> HttpResponse:
        now = delivery.status in OPEN
        return ask(
            self,
            request,
            row=delivery,
            question="Send this delivery now?" if now else "Replay this delivery?",
            button=again_words(delivery).rstrip("…") if may_be_sent(delivery) else "",
            back=page_of(delivery),
            template="admin/deliveries/ask_replay_one.html",
            hidden=[("seen", admin_replay.state_of(delivery))],
            **admin_new_url.field(request, None if now else delivery.endpoint, fault=url_fault),
        )


def to_that_endpoint(chosen: "QuerySet[Any]", new: admin_new_url.NewURL | None) -> "QuerySet[Any]":
    """The new URL was asked about for one endpoint: nothing that goes to another is swept along."""
    return chosen.filter(endpoint_id=new.endpoint.pk) if new else chosen


def discard_url(delivery: Delivery) -> str:
    return reverse("admin:deliveries_deadletter_discard_one", args=[delivery.pk])


def replay_url(delivery: Delivery) -> str:
    return address("admin:deliveries_delivery_replay_one", delivery.pk)


def may_be_sent(delivery: Delivery) -> bool:
    """Its endpoint is there, and it is not about to be sent anyway."""
    is_due = delivery.next_attempt_at is not None and delivery.next_attempt_at <= timezone.now()
    return delivery.endpoint.deleted_at is None and not delivery.manual and not is_due


def again_words(delivery: Delivery) -> str:
    return "Send now…" if delivery.status in OPEN else "Replay…"


def told(request: HttpRequest, moved: int, *, to: str) -> HttpResponse:
    """The answer to a replay."""
    log.info("admin.replayed", user_id=user_id(request), deliveries=moved)
    if moved:
        are = "is" if moved == 1 else "are"
        return done(request, f"{how_many(moved, 'delivery', 'deliveries')} {are} being sent again.", to=to)
    words = "Nothing was replayed: it was done already, or what you saw has changed meanwhile."
    return done(request, words, to=to, level=messages.WARNING)

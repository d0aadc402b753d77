"""Discarding dead letters from the admin: one, those with a tick, or all that the filters let through, for a reason."""

import uuid
from typing import Any

import structlog
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse

from deliveries import admin_replay
from deliveries.admin_causes import LIST, narrowing, which_words
from deliveries.models import Delivery
from deliveries.staff_replay import start_staff_discard
from organizations.admin_filters import moment
from organizations.admin_lists import ListAdmin
from organizations.admin_pages import actor_of, ask, done, user_id
from organizations.admin_words import how_many, page_of
from organizations.models import new_id

log = structlog.get_logger(__name__)

DISCARD = "deliveries_deadletter_discard"
LONGEST_REASON = 200


class NoReason(Exception):
    """`str()` says what is wrong with it."""


class Discarding(ListAdmin):
    def get_urls(self) -> list[Any]:
        many, one = (self.admin_site.admin_view(view) for view in (self.discard_many, self.discard_one))
        return [
            path("discard/", many, name=DISCARD),
            path("<uuid:delivery_id>/discard/", one, name=f"{DISCARD}_one"),
            *super().get_urls(),
        ]

    @admin.action(permissions=["change"], description="Discard…")
    def discard_ticked(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """The list's action asks; `discard_many` does."""
        if request.POST.get("select_across") == "1":
            return self._ask_to_discard(request, queryset)
        return self._ask_to_discard(request, queryset, ids=request.POST.getlist("_selected_action"))

    def discard_one(self, request: HttpRequest, delivery_id: uuid.UUID) -> HttpResponse:
        """Only asks: the answer goes to `discard_many`."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        delivery = get_object_or_404(Delivery, pk=delivery_id)
        chosen = self.get_queryset(request).filter(pk=delivery_id)
        return self._ask_to_discard(request, chosen, ids=[str(delivery_id)], back=page_of(delivery))

    def discard_many(self, request: HttpRequest) -> HttpResponse:
        """By GET it asks about all that its filters let through; by POST it discards what was asked about."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            if request.method != "POST":
                return self._ask_to_discard(request, self.get_changelist_instance(request).queryset)
            return self._answered(request)
        except (ValueError, IncorrectLookupParameters):  # not what our pages send
            return done(request, "Nothing was chosen.", to=_back(request), level=messages.WARNING)

    def _answered(self, request: HttpRequest) -> HttpResponse:
        as_of = moment(request.POST.get("as_of", ""))
        ids = [str(uuid.UUID(text)) for text in request.POST.getlist("id")]
        discard_id = uuid.UUID(request.POST["all"]) if "all" in request.POST else None
        if as_of is None or bool(ids) == bool(discard_id):
            raise ValueError
        changelist = None if ids else self.get_changelist_instance(request)
        chosen = changelist.queryset if changelist else self.get_queryset(request).filter(pk__in=ids)
        try:
            reason = reason_of(request)
        except NoReason as fault:
            return self._ask_to_discard(request, chosen, ids=ids, fault=str(fault))
        actor = actor_of(request)
        if discard_id is None or changelist is None:
            asked = admin_replay.Asked(as_of, actor)
            return discarded(request, admin_replay.discard_ticked(chosen, asked, reason=reason))
        running = start_staff_discard(
            admin_replay.discardable(chosen, as_of=as_of),
            replay_id=discard_id,
            as_of=as_of,
            which=which_words(changelist, "dead letters"),
            reason=reason,
            actor=actor,
        )
        return HttpResponseRedirect(page_of(running)) if running else discarded(request, 0)

    def _ask_to_discard(
        self,
        request: HttpRequest,
        chosen: QuerySet[Any],
        *,
        ids: list[str] | None = None,
        back: str = "",
        fault: str = "",
    ) -> HttpResponse:
        plan = admin_replay.plan(chosen, to_discard=True)
        if plan is None:
            return too_many(self, request, _back(request), "discard")
        what = how_many(plan.deliveries, "dead letter")
        chosen_ids = [("id", pk) for pk in ids] if ids else [("all", str(new_id()))]
        return ask(
            self,
            request,
            question=f"Discard {what}?" if plan.deliveries else "There is nothing to discard",
            button=f"Discard {what}" if plan.deliveries else "",
            back=back or _back(request),
            template="admin/deliveries/ask_discard.html",
            action=f"{reverse(f'admin:{DISCARD}')}{narrowing(request)}",
            hidden=[("as_of", plan.as_of.isoformat()), *chosen_ids],
            danger=True,
            plan=plan,
            left_alone=len(ids) - plan.deliveries if ids else 0,
            longest_reason=LONGEST_REASON,
            given=request.POST.get("reason", ""),
            fault=fault,
        )


def too_many(model_admin: Any, request: HttpRequest, back: str, verb: str) -> HttpResponse:
    return ask(
        model_admin,
        request,
        question=f"These are too many to {verb} at once",
        button="",
        back=back,
        template="admin/deliveries/ask_too_many.html",
        most=f"{admin_replay.MOST_AT_ONCE:,}",
        verb=verb,
    )


def reason_of(request: HttpRequest) -> str:
    """One line. NoReason."""
    given = "".join(one if one.isprintable() else " " for one in request.POST.get("reason", ""))
    reason = " ".join(given.split())
    if not reason:
        raise NoReason("Say why: it is kept with each of them.")
    if len(reason) > LONGEST_REASON:
        raise NoReason(f"A reason may have {LONGEST_REASON} characters; this one has {len(reason)}.")
    return reason


def discarded(request: HttpRequest, moved: int) -> HttpResponse:
    """The answer to a discard."""
    log.info("admin.discarded", user_id=user_id(request), deliveries=moved)
    if moved:
        were = "was" if moved == 1 else "were"
        return done(request, f"{how_many(moved, 'dead letter')} {were} discarded.", to=_back(request))
    words = "Nothing was discarded: it was done already, or what you saw has changed meanwhile."
    return done(request, words, to=_back(request), level=messages.WARNING)


def _back(request: HttpRequest) -> str:
    return f"{reverse(f'admin:{LIST}')}{narrowing(request)}"

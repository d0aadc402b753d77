"""The admin's replays: those that staff asked for, how far each is, and ending one before its time."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html

from deliveries.picked import StaffReplay
from deliveries.staff_replay import cancel_staff_replay
from organizations.admin_filters import ChoiceFilter
from organizations.admin_pages import LookOnlyAdmin, actor_of, ask, done
from organizations.admin_words import ago, badge, how_many, link_to, page_of

STATE_BADGES = {"running": "pending", "done": "delivered", "canceled": "canceled"}


class StateFilter(ChoiceFilter):
    title = "state"
    names = ("state",)
    field = "state"
    options = StaffReplay.State.choices


class StaffReplayAdmin(LookOnlyAdmin):
    list_display = ("what", "condition", "how_far", "who", "begun")
    list_filter = (StateFilter,)
    list_display_links = None
    page_template = "admin/deliveries/replay.html"
    empty_words = (
        "No replays. Replaying all that a list shows makes one, with its progress; it can be left alone."
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may replay may end a replay."""
        return request.user.has_perm("deliveries.change_delivery")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("deliveries.view_staffreplay") or self.has_change_permission(request)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.cancel)
        return [
            path("<uuid:replay_id>/cancel/", view, name="deliveries_staffreplay_cancel"),
            *super().get_urls(),
        ]

    def facts(self, request: HttpRequest, row: StaffReplay) -> dict[str, Any]:
        running = row.state == StaffReplay.State.RUNNING
        return {
            "title": f"Replay of {how_many(row.picked, 'delivery', 'deliveries')}",
            "running": running,
            "condition": self.condition(row),
            "left_alone": row.looked_at - row.replayed,
            "may_cancel": running and self.has_change_permission(request),
            "cancel_url": reverse("admin:deliveries_staffreplay_cancel", args=[row.pk]),
        }

    def cancel(self, request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        replay = get_object_or_404(StaffReplay, pk=replay_id)
        if request.method == "POST":
            if cancel_staff_replay(replay_id, actor=actor_of(request)):
                return done(request, "The replay was ended.", to=page_of(replay))
            return done(request, "It was over already.", to=page_of(replay), level=messages.WARNING)
        running = replay.state == StaffReplay.State.RUNNING
        return ask(
            self,
            request,
            row=replay,
            question="End this replay?" if running else "It is over already",
            button="End replay" if running else "",
            back=page_of(replay),
            template="admin/deliveries/ask_cancel_replay.html",
        )

    @admin.display(description="Replay")
    def what(self, replay: StaffReplay) -> str:
        title = link_to(replay, how_many(replay.picked, "delivery", "deliveries"), css="strong")
        return format_html('{}<span class="under">{}</span>', title, replay.which)

    @admin.display(description="State")
    def condition(self, replay: StaffReplay) -> str:
        return badge(STATE_BADGES[replay.state], replay.get_state_display())

    @admin.display(description="Looked at")
    def how_far(self, replay: StaffReplay) -> str:
        return f"{replay.looked_at:,} of {replay.picked:,}"

    @admin.display(description="Who")
    def who(self, replay: StaffReplay) -> str:
        return replay.asked_by

    @admin.display(description="Begun")
    def begun(self, replay: StaffReplay) -> str:
        return ago(replay.created_at)

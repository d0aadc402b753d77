"""The admin's replays and discards: those that staff asked for, how far each is, and ending one before its time."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from deliveries.picked import StaffReplay
from deliveries.staff_replay import cancel_staff_replay
from organizations.admin_filters import ChoiceFilter
from organizations.admin_pages import LookOnlyAdmin, actor_of, ask, done
from organizations.admin_words import ago, badge, how_many, link_to, page_of

LEAST_TO_SAY = 2  # seconds, before a speed means anything
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
        "Nothing was replayed or discarded in the background yet. Replaying all that a list shows makes an entry here,"
        " with its progress; it can be left alone."
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
            "title": title_of(row),
            "running": running,
            "discards": row.verb == StaffReplay.Verb.DISCARD,
            "speed": speed_in_words(row, now=timezone.now()),
            "percent": 100 * row.looked_at // row.picked if row.picked else 100,
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
                return done(request, f"The {replay.verb} was ended.", to=page_of(replay))
            return done(request, "It was over already.", to=page_of(replay), level=messages.WARNING)
        running = replay.state == StaffReplay.State.RUNNING
        return ask(
            self,
            request,
            row=replay,
            question=f"End this {replay.verb}?" if running else "It is over already",
            button=f"End {replay.verb}" if running else "",
            back=page_of(replay),
            template="admin/deliveries/ask_cancel_replay.html",
        )

    @admin.display(description="What")
    def what(self, replay: StaffReplay) -> str:
        title = link_to(replay, title_of(replay), css="strong")
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


def title_of(replay: StaffReplay) -> str:
    return f"{replay.get_verb_display()} of {how_many(replay.picked, 'delivery', 'deliveries')}"


def speed_in_words(replay: StaffReplay, *, now: datetime) -> str:
    """`Some 1,200 a second; about 2 minutes left`, or how long it took."""
    seconds = ((replay.finished_at or now) - replay.created_at).total_seconds()
    if replay.finished_at is not None:
        return f"It took {span(seconds)}."
    if seconds < LEAST_TO_SAY or not replay.looked_at:
        return "It has just begun."
    rate = replay.looked_at / seconds
    left = (replay.picked - replay.looked_at) / rate
    return (
        f"Some {rate:,.0f} a second; about {span(left)} left." if rate >= 1 else f"About {span(left)} left."
    )


def span(seconds: float) -> str:
    """`a second`, `40 seconds`, `3 minutes`, `2 hours`."""
    if seconds < 1.5:
        return "a second"
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3_600:.0f} hours"

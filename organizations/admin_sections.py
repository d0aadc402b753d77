"""The desk's menu: what each of the staff may open, those that they open most first."""

from dataclasses import dataclass
from typing import NamedTuple

from django.http import HttpRequest
from django.urls import reverse


class Place(NamedTuple):
    """`name`: of its URL in the admin. `permissions`: any of them opens it, none means all staff."""

    title: str
    name: str
    permissions: tuple[str, ...] = ()


PLACES = {
    "": [
        Place("Overview", "index"),
        Place("Dead letters", "deliveries_deadletter_changelist", ("deliveries.view_delivery",)),
        Place("Events", "events_event_changelist", ("events.view_event",)),
        Place("Deliveries", "deliveries_delivery_changelist", ("deliveries.view_delivery",)),
        Place("Endpoints", "deliveries_endpoint_changelist", ("deliveries.view_endpoint",)),
        Place("Tenants", "organizations_organization_changelist", ("organizations.view_organization",)),
    ],
    "Operating": [
        Place("Replays and discards", "deliveries_staffreplay_changelist", ("deliveries.view_staffreplay",)),
        Place(
            "Schedules",
            "django_celery_beat_periodictask_changelist",
            ("django_celery_beat.view_periodictask",),
        ),
        Place("Audit log", "organizations_auditentry_changelist", ("organizations.view_auditentry",)),
    ],
    "Staff": [
        Place("People", "auth_user_changelist", ("auth.view_user",)),
        Place("Roles", "auth_group_changelist", ("auth.view_group",)),
    ],
}


@dataclass(frozen=True)
class Page:
    title: str
    url: str
    is_here: bool


@dataclass(frozen=True)
class Section:
    """Of the menu. The first has no title."""

    title: str
    pages: list[Page]


def sections_for(request: HttpRequest) -> list[Section]:
    """Without the pages that would only refuse."""
    home = reverse("admin:index")
    sections = []
    for title, places in PLACES.items():
        pages = []
        for place in places:
            if place.permissions and not any(map(request.user.has_perm, place.permissions)):
                continue
            url = reverse(f"admin:{place.name}")
            here = request.path == url if url == home else request.path.startswith(url)
            pages.append(Page(place.title, url, here))
        if pages:
            sections.append(Section(title, pages))
    return sections

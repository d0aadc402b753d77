"""The desk's menu."""

from django.test import Client

from organizations.admin_sections import sections_for
from tests.staff import administrator, log_in, viewer


def menu(browser: Client, path: str = "/admin/") -> list[str]:
    """The titles; a star at the page that is open."""
    request = browser.get(path).wsgi_request
    return [page.title + "*" * page.is_here for section in sections_for(request) for page in section.pages]


def test_everybody_sees_what_they_may_open(db: None) -> None:
    assert menu(log_in()) == ["Overview*"]
    assert menu(log_in("events.view_event")) == ["Overview*", "Events"]
    assert menu(viewer()) == [
        "Overview*",
        "Dead letters",
        "Events",
        "Deliveries",
        "Endpoints",
        "Tenants",
        "Replays and discards",
    ]
    assert menu(administrator())[-3:] == ["Audit log", "People", "Roles"]


def test_the_page_that_is_open_is_marked(db: None) -> None:
    here = menu(administrator(), "/admin/events/event/?type=order.created")

    assert [title for title in here if title.endswith("*")] == ["Events*"]

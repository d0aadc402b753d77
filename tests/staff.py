"""People at the admin: who they are, and what they see and press."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client

from organizations.models import AuditEntry


def log_in(*permissions: str, all_of_them: bool = False, **options: Any) -> Client:
    """A browser of a member of staff who has these permissions (`deliveries.view_delivery`)."""
    user = User.objects.create(
        username=f"staff-{User.objects.count()}", is_staff=True, is_superuser=all_of_them
    )
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    browser = Client(**options)
    browser.force_login(user)
    return browser


def administrator(**options: Any) -> Client:
    return log_in(all_of_them=True, **options)


def viewer() -> Client:
    """May look at everything that is ours, and do nothing."""
    seen = (
        "deliveries.delivery",
        "deliveries.staffreplay",
        "deliveries.endpoint",
        "events.event",
        "organizations.organization",
    )
    return log_in(*(name.replace(".", ".view_") for name in (*seen, "organizations.apikey")))


class _Form(HTMLParser):
    """The form of a page that asks: its hidden fields, and where it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.action, self.fields, self.inside = "", [], False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.inside = given.get("id") != "logout-form" and given.get("method") == "post"
            self.action = given.get("action", "") if self.inside else self.action
        elif self.inside and tag == "input" and given.get("type") == "hidden" and "csrf" not in given["name"]:
            self.fields.append((given["name"], given.get("value", "")))


def press(browser: Client, asked: HttpResponse, **typed: str) -> HttpResponse:
    """Presses the button of a page that asks, with what was typed into its fields; the page that follows."""
    form = _Form()
    form.feed(asked.content.decode())
    data: dict[str, list[str]] = {name: [text] for name, text in typed.items()}
    for name, value in form.fields:
        data.setdefault(name, []).append(value)
    return browser.post(form.action or asked.request["PATH_INFO"], data, follow=True)


def words(page: HttpResponse) -> str:
    """What a person reads on a page."""
    content = re.sub(r"<(script|datalist|nav)\b.*?</\1>", " ", page.content.decode(), flags=re.DOTALL)
    text = unescape(re.sub(r"<[^>]*>", " ", content.replace("<wbr>", "")))
    return re.sub(r" (?=[,.])", "", " ".join(text.split()))


def logged() -> list[tuple[str, str]]:
    """The audit log: what each entry is about, and what was done."""
    return list(AuditEntry.objects.order_by("pk").values_list("object_words", "action"))

"""The admin: Django's own, under our name, with our apps first, in words when it refuses, and slow to guess at."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import update_wrapper
from typing import Any, cast

import structlog
from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django_ratelimit.core import get_usage
from redis import RedisError

from organizations.admin_audited import Audited
from organizations.admin_pages import LookOnlyAdmin, actor_of
from organizations.admin_second_factor import LoginForm, second_factor_page
from organizations.audit import Actor, record
from organizations.callers import caller_address
from organizations.models import AuditEntry
from organizations.second_factor import has_second_factor
from triggers_project.admin_find import find_page
from triggers_project.admin_overview import overview

log = structlog.get_logger(__name__)

LOGIN_RATE = "10/5m"  # for an address, and for a user name wherever it is tried from
WITHOUT_SECOND_FACTOR = ("second_factor", "logout", "jsi18n")
RECENT = 10  # of somebody's own actions, on the overview
APPS_FIRST = ("deliveries", "events", "organizations")

View = Callable[..., Any]


class TriggersAdminSite(AdminSite):
    site_header = site_title = "Triggers"
    index_title = "Overview"
    site_url = None
    enable_nav_sidebar = False  # ours is in base_site.html
    login_form = LoginForm

    def get_urls(self) -> list[Any]:
        return [
            path("second-factor/", self.admin_view(self.second_factor), name="second_factor"),
            path("find/", self.admin_view(self.find), name="find"),
            *super().get_urls(),
        ]

    def find(self, request: HttpRequest) -> HttpResponse:
        return find_page(self, request)

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Guessing here is as slow as it is at the door."""
        if request.method == "POST" and (wait := login_wait(request, name=request.user.get_username())):
            return self._too_many(request, wait)
        return second_factor_page(self, request)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Whoever registers, third parties as well: what is changed there is recorded."""
        audited = type((admin_class or ModelAdmin).__name__, (Audited, admin_class or ModelAdmin), {})
        super().register(model_or_iterable, audited, **options)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        recent = AuditEntry.objects.filter(actor_name=request.user.get_username())[:RECENT]
        return super().index(request, {**(extra_context or {}), "recent": recent, **overview(request)})

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """The menu knows no apps: whoever shortens an address comes to the front page."""
        return HttpResponseRedirect(reverse("admin:index"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        for model in (model for app in apps for model in app["models"]):
            model["view_only"] |= isinstance(self._registry[model["model"]], LookOnlyAdmin)
        places = {label: place for place, label in enumerate(APPS_FIRST)}
        return sorted(apps, key=lambda app: places.get(app["app_label"], len(places)))

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST" and (wait := login_wait(request, name=request.POST.get("username", ""))):
            return self._too_many(request, wait)
        with transaction.atomic():
            response = super().login(request, extra_context)
            if request.method == "POST":
                record_login(request)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            shown = {"password": "(not shown)"}
            record(actor_of(request), "user.changed", row=request.user, before=shown, after=shown)  # type: ignore[arg-type]
        return response

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        """A refusal is a page here; outside of the admin it is a problem document. What a POST changes and its entry
        in the audit log are one transaction (`own_transaction`: which the view opens by itself)."""
        wraps = not getattr(view, "own_transaction", False)

        def in_words(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if must_enrol(request):
                return HttpResponseRedirect(reverse("admin:second_factor"))
            try:
                with transaction.atomic() if wraps and request.method == "POST" else nullcontext():
                    return view(request, *args, **kwargs)
            except PermissionDenied:
                return self._page(request, "admin/not_allowed.html", "Not allowed", 403)
            except Http404:
                return self._page(request, "admin/not_found.html", "Not found", 404)

        return super().admin_view(update_wrapper(in_words, view), cacheable)

    def _too_many(self, request: HttpRequest, wait: int) -> HttpResponse:
        context = {**self.each_context(request), "title": "Too many attempts", "minutes": -(-wait // 60)}
        return TemplateResponse(
            request,
            "admin/too_many_logins.html",
            context,
            status=429,
            headers={"Retry-After": str(wait)},
        )

    def _page(self, request: HttpRequest, template: str, title: str, status: int) -> HttpResponse:
        context = {**self.each_context(request), "title": title}
        return TemplateResponse(request, template, context, status=status)


def must_enrol(request: HttpRequest) -> bool:
    """REQUIRE_SECOND_FACTOR: who has none gets to the page where one is set up, and out again."""
    match = request.resolver_match
    if not settings.REQUIRE_SECOND_FACTOR or match is None or match.url_name in WITHOUT_SECOND_FACTOR:
        return False
    return not has_second_factor(cast("User", request.user))


def record_login(request: HttpRequest) -> None:
    """Who it was; of an unknown name not even that, for it may be a password that was typed into the wrong field."""
    if request.user.is_authenticated:
        record(actor_of(request), "admin.login")
        return
    typed = request.POST.get("username", "").strip().replace("\0", "")  # which PostgreSQL has no text for
    user = User.objects.filter(username=typed).first()
    name = user.username if user else "(unknown)"
    actor = Actor(
        user.pk if user else None, name, caller_address(request), getattr(request, "request_id", "")
    )
    record(actor, "admin.login_failed")
    log.warning("admin.login_failed", caller=actor.address, user_id=actor.user_id)


def login_wait(request: HttpRequest, *, name: str) -> int:
    """Counts this attempt to log in. Seconds to wait when it is one too many, else 0.

    Without Redis nobody is counted, and nobody is kept out.
    """
    counted = {
        "admin-login-address": caller_address(request),
        "admin-login-name": name.strip().casefold(),
    }
    try:
        usages = [
            get_usage(
                request,
                group=group,
                key=lambda _group, _request, who=who: who,
                rate=LOGIN_RATE,
                increment=True,
            )
            for group, who in counted.items()
        ]
    except RedisError as error:
        log.warning("admin.login_not_counted", error=type(error).__name__)
        return 0
    waits = [max(1, int(usage["time_left"])) for usage in usages if usage and usage["should_limit"]]
    if waits:
        log.warning("admin.login_refused", caller=counted["admin-login-address"])
    return max(waits, default=0)

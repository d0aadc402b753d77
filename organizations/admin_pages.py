"""Pages of the admin that are looked at, and the ones that ask before something is done."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse

from organizations.admin_lists import ListAdmin, ModelAdmin
from organizations.audit import Actor
from organizations.callers import caller_address

View = TypeVar("View", bound=Callable[..., Any])


class LookOnlyAdmin(ListAdmin):
    """Rows that the domain makes and changes: shown, never edited. `page_template` is their page."""

    page_template = ""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        context = {**page_context(self, request, row), "title": str(row), **self.facts(request, row)}
        return TemplateResponse(request, self.page_template, context)

    def facts(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page's template needs besides the row itself, which is `original`."""
        return {}


def page_context(model_admin: ModelAdmin, request: HttpRequest, row: Model | None) -> dict[str, Any]:
    return {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "may_change": model_admin.has_change_permission(request, row),
    }


def ask(
    model_admin: ModelAdmin,
    request: HttpRequest,
    *,
    question: str,
    button: str,
    back: str,
    template: str = "admin/ask.html",
    hidden: Sequence[tuple[str, str]] = (),
    row: Model | None = None,
    **context: Any,
) -> HttpResponse:
    """The page that comes before every change: what will happen, a button, and a way back.

    The button POSTs `hidden` to `action`, which is this page's own address unless given.
    Without a `button` there is nothing to be done, and the page says why (`words`).
    """
    page = {
        **page_context(model_admin, request, row),
        "title": question,
        "button": button,
        "back": back,
        "hidden": hidden,
        **context,
    }
    return TemplateResponse(request, template, page)


def done(request: HttpRequest, words: str, *, to: str, level: int = messages.SUCCESS) -> HttpResponse:
    """Back to `to`, which says what was done."""
    messages.add_message(request, level, words)
    return HttpResponseRedirect(to)


def own_transaction(view: View) -> View:
    """The site wraps no transaction around its POSTs: it asks the network something first, and opens one by itself."""
    view.own_transaction = True  # type: ignore[attr-defined]
    return view


def user_id(request: HttpRequest) -> int:
    """Who it is that is logged in: the admin lets nobody else come this far."""
    return cast("int", request.user.pk)


def actor_of(request: HttpRequest) -> Actor:
    """Whom the audit log names."""
    return Actor(
        user_id=request.user.pk,
        name=request.user.get_username(),
        address=caller_address(request),
        request_id=getattr(request, "request_id", ""),
    )

"""What the site puts into every admin that is registered, third parties' as well.

Changes are recorded in the audit log, and History shows what is there; Django's own LogEntry is not written
(docs/decisions/0011).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import NestedObjects, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from organizations.admin_lists import BoundedPaginator
from organizations.admin_pages import actor_of
from organizations.audit import record
from organizations.audit_values import changes, values_of
from organizations.models import AuditEntry

ENTRIES_A_PAGE = 50

if TYPE_CHECKING:
    AnyModelAdmin = ModelAdmin[Any]
else:
    AnyModelAdmin = object


class Audited(AnyModelAdmin):
    """`audit_noun` is what the entries call it: `tier`, so `tier.changed`."""

    audit_noun: str

    def remember(self, request: HttpRequest, row: Model) -> None:
        """Called before it is changed, with the row's lock held until that is done."""
        request.audited_before = values_of(row)  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            self.remember(request, obj)
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "added", obj, {}, values_of(obj))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "changed", obj, request.audited_before, values_of(obj))  # type: ignore[attr-defined]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        for row in queryset:
            before = values_of(row)
            if others := deleted_with(row):
                before["deleted_with_it"] = others
            self._record(request, "deleted", row, before, {})

    def _record(
        self, request: HttpRequest, verb: str, row: Model, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        """A form that was saved as it was has changed nothing, and is no entry."""
        was, now = changes(before, after)
        if was or now:
            noun = getattr(self, "audit_noun", None) or self.opts.model_name
            record(actor_of(request), f"{noun}.{verb}", row=row, before=was, after=now)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        entries = BoundedPaginator(AuditEntry.objects.about(row), ENTRIES_A_PAGE)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "opts": self.opts,
            "original": row,
            "entries": entries.get_page(request.GET.get("p")),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/history.html", context)


def deleted_with(row: Model) -> list[str]:
    """What goes with it, as the database would have it: the tasks of an interval."""
    collector = NestedObjects(using="default", origin=row)
    collector.collect([row])
    return sorted(
        str(other)
        for model, rows in collector.data.items()
        for other in rows
        if model is not type(row) and not model._meta.auto_created
    )

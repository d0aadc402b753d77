"""The admin's schedules: django-celery-beat's own, whose actions are recorded as well."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from organizations.admin_pages import actor_of
from organizations.audit import record


class TaskAdmin(PeriodicTaskAdmin):
    shown_as = "Schedules"  # django-celery-beat's own name for them is "periodic tasks"

    def changelist_view(self, request: HttpRequest, extra_context: "dict[str, Any] | None" = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "title": self.shown_as})

    def enable_tasks(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        with switched(request, queryset) as chosen:
            super().enable_tasks(request, chosen)

    def disable_tasks(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        with switched(request, queryset) as chosen:
            super().disable_tasks(request, chosen)

    def toggle_tasks(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        with switched(request, queryset) as chosen:
            super().toggle_tasks(request, chosen)

    def run_tasks(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        for task in queryset:
            record(actor_of(request), "periodictask.run", row=task)
        super().run_tasks(request, queryset)


for verb in ("enable", "disable", "toggle", "run"):
    action = getattr(TaskAdmin, f"{verb}_tasks")
    action.short_description = getattr(PeriodicTaskAdmin, f"{verb}_tasks").short_description
    action.allowed_permissions = ("change",)  # django-celery-beat asks for none


@contextmanager
def switched(request: HttpRequest, ticked: "QuerySet[Any]") -> "Iterator[QuerySet[Any]]":
    """Records for each of them what `enabled` was and is, if that has changed."""
    before = dict(ticked.select_for_update(of=("self",)).values_list("pk", "enabled"))
    chosen = PeriodicTask.objects.filter(pk__in=before)
    yield chosen
    for task in chosen.order_by("pk"):
        was, now = before[task.pk], task.enabled
        if was != now:
            values = ({"enabled": was}, {"enabled": now})
            record(actor_of(request), "periodictask.changed", row=task, before=values[0], after=values[1])


admin.site.unregister(PeriodicTask)
admin.site.register(PeriodicTask, TaskAdmin)

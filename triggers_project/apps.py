from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import apps as admin_apps
from django.contrib.admin import checks as admin_checks
from django.core import checks


class TriggersProjectConfig(AppConfig):
    name = "triggers_project"
    label = "triggers_project"

    def ready(self) -> None:
        """Every process that has Django has our Celery app, so that `shared_task`s bind to it."""
        from triggers_project import checks, task_metrics  # noqa: F401  (both register themselves)
        from triggers_project.celery import app

        app.set_default()


class TriggersAdminConfig(admin_apps.SimpleAdminConfig):
    """`django.contrib.admin` with our site as the default one. Its pages are imported by who shows them (`urls`) and
    who checks them: workers, beat and the exporter start without."""

    default = False  # of the two configurations in this module, the other one is `triggers_project`
    default_site = "triggers_project.admin_site.TriggersAdminSite"

    def ready(self) -> None:
        checks.register(admin_checks.check_dependencies, checks.Tags.admin)
        checks.register(desk_is_sound, checks.Tags.admin)


def desk_is_sound(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """As Django's own `check_admin_app`, which would find pages only where they were imported before."""
    admin.autodiscover()
    found: list[checks.CheckMessage] = admin.site.check(app_configs)
    return found

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class TriggersProjectConfig(AppConfig):
    name = "triggers_project"
    label = "triggers_project"

    def ready(self) -> None:
        """Every process that has Django has our Celery app, so that `shared_task`s bind to it."""
        from triggers_project import checks, task_metrics  # noqa: F401  (both register themselves)
        from triggers_project.celery import app

        app.set_default()


class TriggersAdminConfig(admin.AdminConfig):
    """`django.contrib.admin` with our site as the default one."""

    default = False  # of the two configurations in this module, the other one is `triggers_project`
    default_site = "triggers_project.admin_site.TriggersAdminSite"

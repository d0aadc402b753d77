from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DeliveriesConfig(AppConfig):
    name = "deliveries"

    def ready(self) -> None:
        """The last of the apps with tables: when it was migrated, all permissions are there to make roles of."""
        from organizations.roles import keep_roles  # it needs models, which are loaded by now

        post_migrate.connect(keep_roles, sender=self)

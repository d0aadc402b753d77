from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Tenants"  # as the desk calls them

    def ready(self) -> None:
        from organizations import arrays  # noqa: F401 - what it registers is known to connections made later

"""Three roles for staff, as Django's groups: each may do what the one before it may, and more.

They are made, and given what they lack, after every migrate. Nothing is ever taken away there: what an owner added to a
role by hand stays.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Q

SUPPORT, OPERATOR, OWNER = "Support", "Operator", "Owner"
ROLES = (SUPPORT, OPERATOR, OWNER)

LOOKING = (
    "organizations.view_organization",
    "organizations.view_apikey",
    "organizations.view_auditentry",
    "events.view_event",
    "deliveries.view_endpoint",
    "deliveries.view_delivery",
    "deliveries.view_attempt",
    "deliveries.view_staffreplay",
)
REPLAYING = ("deliveries.change_delivery",)
OPERATING = (
    "organizations.change_organization",
    "organizations.change_apikey",
    "deliveries.change_endpoint",
    *(
        f"django_celery_beat.{verb}_{model}"
        for model in (
            "periodictask",
            "intervalschedule",
            "crontabschedule",
            "clockedschedule",
            "solarschedule",
        )
        for verb in ("view", "add", "change", "delete")
    ),
)
MAY = {SUPPORT: (*LOOKING, *REPLAYING), OPERATOR: (*LOOKING, *REPLAYING, *OPERATING)}


def keep_roles(**_: Any) -> None:
    """Makes the roles that are missing, and adds what each lacks. Of two at once neither fails: each row is added by an
    INSERT that minds no other's."""
    for name in ROLES:
        role, _made = Group.objects.get_or_create(name=name)
        role.permissions.add(*permissions_of(name))


def permissions_of(role: str) -> "models.QuerySet[Permission]":
    """An owner's are all that there are."""
    if role == OWNER:
        return Permission.objects.all()
    wanted = Q()
    for permission in MAY[role]:
        app, codename = permission.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return Permission.objects.filter(wanted)


def is_owner(user: Any) -> bool:
    """By the role itself, not by permissions: whoever could be given those of an owner could give himself the rest.
    Looked up once for a user object, as Django does with permissions: a page asks ten times."""
    if not user.is_active:
        return False
    if user.is_superuser:
        return True
    if not hasattr(user, "_is_owner"):
        user._is_owner = user.groups.filter(name=OWNER).exists()
    return bool(user._is_owner)

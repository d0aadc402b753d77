"""The three roles: made after every migrate, never reduced."""

from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from organizations.roles import MAY, OPERATOR, OWNER, ROLES, SUPPORT, keep_roles, permissions_of
from tests.concurrency import at_once


def may(role: str) -> set[str]:
    pairs = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


def test_they_are_there_from_the_start(db: None) -> None:
    assert may(SUPPORT) == set(MAY[SUPPORT])
    assert may(OPERATOR) == set(MAY[OPERATOR])
    assert Group.objects.get(name=OWNER).permissions.count() == Permission.objects.count()


def test_each_may_do_what_the_one_before_it_may(db: None) -> None:
    assert may(SUPPORT) < may(OPERATOR) < may(OWNER)


def test_migrating_again_gives_back_what_is_missing_and_leaves_what_was_added(db: None) -> None:
    support = Group.objects.get(name=SUPPORT)
    extra = Permission.objects.get(codename="change_endpoint")
    support.permissions.set([extra])
    Group.objects.get(name=OPERATOR).delete()

    call_command("migrate", verbosity=0)

    assert may(SUPPORT) == {*MAY[SUPPORT], "deliveries.change_endpoint"}
    assert may(OPERATOR) == set(MAY[OPERATOR])


def test_two_that_migrate_at_once_make_each_role_once(committed: None) -> None:
    Group.objects.filter(name__in=ROLES).delete()

    assert at_once([keep_roles] * 4) == [None] * 4

    for role in ROLES:
        assert Group.objects.get(name=role).permissions.count() == permissions_of(role).count()

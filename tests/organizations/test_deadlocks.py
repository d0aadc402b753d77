import threading

import pytest
from django.db import OperationalError, connection, transaction

from organizations.deadlocks import again_after_deadlock
from organizations.models import Organization
from tests.concurrency import in_another_thread, until_somebody_waits_for_a_lock
from tests.factories import make_organization


def rename(organization: Organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(name="Renamed")


@pytest.mark.usefixtures("committed")
def test_who_is_ended_for_a_deadlock_tries_again() -> None:
    first, second = make_organization(), make_organization()
    has_second, other_is_done, tries = threading.Event(), threading.Event(), []

    def the_other() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '60s'")  # so that it is not the one who notices
            rename(second)
            has_second.set()
            until_somebody_waits_for_a_lock()
            rename(first)
        other_is_done.set()

    @again_after_deadlock
    def ours() -> None:
        if tries:  # who holds the first sooner, once it was let go, is not the question here
            assert other_is_done.wait(10)
        tries.append(1)
        with transaction.atomic():
            rename(first)
            assert has_second.wait(10)
            rename(second)

    with in_another_thread(the_other) as other:
        ours()
    other.result()
    assert len(tries) == 2


def test_any_other_trouble_is_not_tried_again() -> None:
    tries = []

    @again_after_deadlock
    def ours() -> None:
        tries.append(1)
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        ours()
    assert len(tries) == 1

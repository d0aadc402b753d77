"""What is known of a key without waiting for anything, and how long."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from organizations import verification
from organizations.key_format import public_part
from organizations.models import ApiKey, Organization
from organizations.verification import find_key, read_states, remembered_key
from tests.factories import with_another_secret

HERE = "198.51.100.1"


def test_what_was_found_once_is_remembered(acme: SimpleNamespace, clock: SimpleNamespace) -> None:
    assert remembered_key(acme.key) is None
    find_key(acme.key, caller=HERE)
    found = remembered_key(acme.key)
    assert found is not None
    assert (found.key.organization, found.fresh) == (acme.organization, True)


@pytest.mark.parametrize("text", ["", "trg_no_key"])
def test_what_is_no_key_is_not_remembered(acme: SimpleNamespace, text: str) -> None:
    find_key(acme.key, caller=HERE)
    assert remembered_key(text) is None


def test_another_secret_is_not_remembered(acme: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    wrong = with_another_secret(acme.key)
    find_key(wrong, caller=HERE)
    assert remembered_key(wrong) is None


def test_what_is_remembered_is_fresh_for_half_a_second(acme: SimpleNamespace, clock: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    clock.now += 0.4
    first = remembered_key(acme.key)
    clock.now += 0.2
    second = remembered_key(acme.key)
    assert first is not None
    assert second is not None
    assert (first.fresh, second.fresh) == (True, False)


def test_before_it_ends_it_is_time_to_read_it_again(acme: SimpleNamespace, clock: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    clock.now += 0.2
    first = remembered_key(acme.key)
    clock.now += 0.2
    second = remembered_key(acme.key)
    assert first is not None
    assert second is not None
    assert (first.ends_soon, second.ends_soon) == (False, True)


def test_a_secret_is_remembered_for_ten_minutes(acme: SimpleNamespace, clock: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    clock.now += 601
    assert remembered_key(acme.key) is None


def test_a_use_that_is_to_be_noted_is_not_remembered(acme: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    found = remembered_key(acme.key)
    assert found is not None
    found.key.last_used_at = timezone.now() - timedelta(minutes=2)
    assert remembered_key(acme.key) is None


def test_all_states_that_were_in_use_are_read_in_one_query(
    acme: SimpleNamespace, rival: SimpleNamespace, clock: SimpleNamespace, django_assert_num_queries: Any
) -> None:
    for tenant in (acme, rival):
        find_key(tenant.key, caller=HERE)
    for tenant in (acme, rival):
        remembered_key(tenant.key)
    clock.now += 0.6
    Organization.objects.update(tier="pro")
    with django_assert_num_queries(1):
        read_states([public_part(acme.key)])
    found = [remembered_key(tenant.key) for tenant in (acme, rival)]
    assert [(one.key.organization.tier, one.fresh) for one in found if one] == [("pro", True)] * 2


def test_a_state_that_is_read_again_before_it_ends_lasts_longer(
    acme: SimpleNamespace, clock: SimpleNamespace
) -> None:
    find_key(acme.key, caller=HERE)
    clock.now += 0.4
    read_states([public_part(acme.key)])
    clock.now += 0.4
    found = remembered_key(acme.key)
    assert found is not None
    assert found.fresh


def test_a_state_is_read_beside_others_only_if_it_was_used_since(
    acme: SimpleNamespace, rival: SimpleNamespace, clock: SimpleNamespace
) -> None:
    for tenant in (acme, rival):
        find_key(tenant.key, caller=HERE)
    remembered_key(rival.key)
    lasting = []
    for _ in range(2):
        clock.now += 0.4
        read_states([public_part(acme.key)])
        lasting.append(verification._states[public_part(rival.key)].until > clock.now + 0.2)
    assert lasting == [True, False]


def test_a_state_that_nobody_used_lately_is_left_alone(
    acme: SimpleNamespace, rival: SimpleNamespace, clock: SimpleNamespace
) -> None:
    find_key(rival.key, caller=HERE)
    clock.now += 5
    find_key(acme.key, caller=HERE)
    clock.now += 0.6
    read_states([public_part(acme.key)])
    found = remembered_key(rival.key)
    assert found is not None
    assert not found.fresh


def test_a_key_that_ended_is_forgotten_when_its_state_is_read(acme: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    ApiKey.objects.update(revoked_at=Now())
    read_states([public_part(acme.key)])
    assert remembered_key(acme.key) is None

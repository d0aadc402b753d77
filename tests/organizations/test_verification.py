from collections.abc import Iterator
from types import SimpleNamespace

import bcrypt
import pytest
from django.db.models.functions import Now

from organizations import verification
from organizations.key_format import compose, new_parts, take_apart
from organizations.models import ApiKey, Organization
from organizations.verification import FAILURES_PER_MINUTE, find_key
from tests.concurrency import at_once
from tests.factories import ago, make_key, with_another_secret

HERE, ELSEWHERE = "198.51.100.1", "198.51.100.2"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The secrets that bcrypt was asked about."""
    asked: list[bytes] = []
    true_check = bcrypt.checkpw

    def check(secret: bytes, hashed: bytes) -> bool:
        asked.append(secret)
        return true_check(secret, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", check)
    return asked


def test_a_valid_key_is_found_with_its_organization(acme: SimpleNamespace) -> None:
    key = find_key(acme.key, caller=HERE)
    assert key is not None
    assert key.organization == acme.organization


def test_another_secret_under_the_same_public_id_is_no_key(acme: SimpleNamespace) -> None:
    assert find_key(with_another_secret(acme.key), caller=HERE) is None


def test_a_secret_that_is_wrong_is_no_key_once_the_right_one_is_known(acme: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    assert find_key(with_another_secret(acme.key), caller=HERE) is None


def test_a_mistyped_key_is_refused_before_any_look_up(
    acme: SimpleNamespace, django_assert_num_queries: Iterator[None]
) -> None:
    with django_assert_num_queries(0):
        assert find_key(acme.key[:-1] + "!", caller=HERE) is None


def test_bcrypt_is_asked_once(acme: SimpleNamespace, checks: list[bytes]) -> None:
    assert find_key(acme.key, caller=HERE)
    assert find_key(acme.key, caller=ELSEWHERE)
    assert len(checks) == 1


def test_of_many_first_calls_at_once_one_asks_bcrypt(
    committed_acme: SimpleNamespace, checks: list[bytes]
) -> None:
    found = at_once([lambda: find_key(committed_acme.key, caller=HERE)] * 8)
    assert all(isinstance(key, ApiKey) for key in found)
    assert len(checks) == 1


def test_bcrypt_is_asked_again_after_ten_minutes(
    acme: SimpleNamespace, checks: list[bytes], clock: SimpleNamespace
) -> None:
    find_key(acme.key, caller=HERE)
    clock.now += 601
    assert find_key(acme.key, caller=HERE)
    assert len(checks) == 2


def test_what_is_remembered_of_a_key_is_bound_to_its_hash(
    acme: SimpleNamespace, clock: SimpleNamespace
) -> None:
    find_key(acme.key, caller=HERE)
    ApiKey.objects.update(secret_hash=bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode())
    clock.now += 0.99
    assert find_key(acme.key, caller=HERE) is None


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_an_end_is_seen_within_a_second_by_a_process_that_knows_the_key(
    acme: SimpleNamespace, clock: SimpleNamespace, ended: str
) -> None:
    assert find_key(acme.key, caller=HERE)
    ApiKey.objects.update(**{ended: Now()})
    clock.now += 0.99
    assert find_key(acme.key, caller=HERE) is None


def test_another_tier_is_seen_within_a_second(acme: SimpleNamespace, clock: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    Organization.objects.update(tier="pro")
    clock.now += 0.99
    key = find_key(acme.key, caller=HERE)
    assert key is not None
    assert key.organization.rate_limit_per_minute == 1000


def test_a_known_key_costs_no_query_for_half_a_second(
    acme: SimpleNamespace, clock: SimpleNamespace, django_assert_num_queries: Iterator[None]
) -> None:
    find_key(acme.key, caller=HERE)
    clock.now += 0.49
    with django_assert_num_queries(0):
        assert find_key(acme.key, caller=HERE)


def test_guesses_from_one_address_soon_cost_no_bcrypt(acme: SimpleNamespace, checks: list[bytes]) -> None:
    for _ in range(FAILURES_PER_MINUTE + 5):
        assert find_key(with_another_secret(acme.key), caller=HERE) is None
    assert len(checks) == FAILURES_PER_MINUTE


def test_after_too_many_guesses_even_the_right_key_is_refused_there(acme: SimpleNamespace) -> None:
    for _ in range(FAILURES_PER_MINUTE):
        find_key(with_another_secret(acme.key), caller=HERE)
    assert find_key(acme.key, caller=HERE) is None
    assert find_key(acme.key, caller=ELSEWHERE)


def test_guesses_do_not_lock_out_a_key_that_is_known(acme: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    for _ in range(FAILURES_PER_MINUTE + 1):
        find_key(with_another_secret(acme.key), caller=HERE)
    assert find_key(acme.key, caller=HERE)


def test_the_memory_is_bounded(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "REMEMBERED", 2)
    for text in [make_key(acme.organization) for _ in range(3)]:
        find_key(text, caller=HERE)
    assert len(verification._verified) == len(verification._states) == 2
    for _ in range(3):
        find_key(unknown(), caller=HERE)
    assert len(verification._refused) == 2


def test_no_secret_is_held_in_memory(acme: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    parts = take_apart(acme.key)
    assert parts is not None
    assert parts.secret not in f"{verification._verified} {verification._refused} {verification._states}"


def test_the_first_use_of_a_key_is_noted(acme: SimpleNamespace) -> None:
    find_key(acme.key, caller=HERE)
    assert ApiKey.objects.filter(last_used_at__lte=Now()).exists()


@pytest.mark.parametrize(("seconds", "noted"), [(50, False), (70, True)])
def test_the_use_of_a_key_is_noted_once_a_minute(acme: SimpleNamespace, seconds: int, noted: bool) -> None:
    before = ago(seconds=seconds)
    ApiKey.objects.update(last_used_at=before)
    find_key(acme.key, caller=HERE)
    assert (ApiKey.objects.get().last_used_at != before) is noted


def test_without_redis_keys_are_still_checked(acme: SimpleNamespace, no_redis: None) -> None:
    assert find_key(acme.key, caller=HERE)
    assert find_key(with_another_secret(acme.key), caller=HERE) is None


def test_good_keys_cost_nothing_however_many_come_from_one_address(acme: SimpleNamespace) -> None:
    keys = [make_key(acme.organization) for _ in range(FAILURES_PER_MINUTE + 2)]
    assert all(find_key(key, caller=HERE) for key in keys)


def test_many_guesses_at_once_do_not_all_have_their_turn(
    committed_acme: SimpleNamespace, checks: list[bytes]
) -> None:
    guesses = [with_another_secret(committed_acme.key) for _ in range(FAILURES_PER_MINUTE * 3)]
    found = at_once([lambda guess=guess: find_key(guess, caller=HERE) for guess in guesses])
    assert found == [None] * len(guesses)
    assert len(checks) == FAILURES_PER_MINUTE


# --- What is no key costs the same, whatever it lacks --------------------------------------------------------------


def unknown() -> str:
    return compose(new_parts())


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_key_that_has_ended_is_checked_like_any_other(
    acme: SimpleNamespace, checks: list[bytes], ended: str
) -> None:
    ApiKey.objects.update(**{ended: Now()})
    assert find_key(acme.key, caller=HERE) is None
    assert len(checks) == 1


def test_a_public_id_that_nobody_has_is_checked_like_any_other(
    acme: SimpleNamespace, checks: list[bytes]
) -> None:
    assert find_key(unknown(), caller=HERE) is None
    assert find_key(with_another_secret(acme.key), caller=HERE) is None
    assert len(checks) == 2


def test_the_hash_that_nothing_matches_costs_as_much_as_a_keys(acme: SimpleNamespace) -> None:
    rounds = ApiKey.objects.get().secret_hash[:7]
    assert verification._nobodys_hash()[:7] == rounds == "$2b$04$"


def test_guesses_at_public_ids_soon_cost_no_bcrypt(acme: SimpleNamespace, checks: list[bytes]) -> None:
    for _ in range(FAILURES_PER_MINUTE + 5):
        assert find_key(unknown(), caller=HERE) is None
    assert len(checks) == FAILURES_PER_MINUTE


def test_guesses_with_and_without_a_known_public_id_are_counted_together(
    acme: SimpleNamespace, checks: list[bytes]
) -> None:
    for _ in range(FAILURES_PER_MINUTE):
        find_key(unknown(), caller=HERE)
        find_key(with_another_secret(acme.key), caller=HERE)
    assert len(checks) == FAILURES_PER_MINUTE


@pytest.mark.parametrize("what", ["unknown", "revoked", "another secret"])
def test_who_goes_on_with_a_bad_key_locks_out_nobody_of_the_same_address(
    acme: SimpleNamespace, checks: list[bytes], what: str
) -> None:
    text = {
        "unknown": unknown,
        "revoked": lambda: make_key(acme.organization, name="revoked"),
        "another secret": lambda: with_another_secret(acme.key),
    }[what]()
    ApiKey.objects.filter(name="revoked").update(revoked_at=Now())
    for _ in range(FAILURES_PER_MINUTE * 2):
        assert find_key(text, caller=HERE) is None
    assert len(checks) == 1
    assert find_key(acme.key, caller=HERE)


def test_what_was_refused_is_checked_again_once_the_hash_is_another(
    acme: SimpleNamespace, clock: SimpleNamespace
) -> None:
    text = with_another_secret(acme.key)
    assert find_key(text, caller=HERE) is None
    parts = take_apart(text)
    assert parts is not None
    ApiKey.objects.update(secret_hash=bcrypt.hashpw(parts.secret.encode(), bcrypt.gensalt(4)).decode())
    clock.now += 0.99
    assert find_key(text, caller=HERE)


def test_guesses_from_many_addresses_lock_a_good_key_out_nowhere_else(
    acme: SimpleNamespace, checks: list[bytes]
) -> None:
    for number in range(20):
        for _ in range(FAILURES_PER_MINUTE):
            find_key(with_another_secret(acme.key), caller=f"203.0.113.{number}")
    assert find_key(acme.key, caller=HERE)


def test_a_wrong_checksum_costs_neither_query_nor_bcrypt_nor_a_guess(
    acme: SimpleNamespace, checks: list[bytes], django_assert_num_queries: Iterator[None]
) -> None:
    wrong = acme.key[:-1] + ("0" if acme.key[-1] != "0" else "1")
    with django_assert_num_queries(0):
        for _ in range(FAILURES_PER_MINUTE + 1):
            assert find_key(wrong, caller=HERE) is None
    assert checks == []
    assert find_key(acme.key, caller=HERE)


def test_secrets_are_compared_in_constant_time(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only comparisons of what came in: bcrypt's own, and this one."""
    compared: list[bool] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one == other)
        return compared[-1]

    monkeypatch.setattr(verification.hmac, "compare_digest", compare)
    find_key(acme.key, caller=HERE)
    assert find_key(with_another_secret(acme.key), caller=HERE) is None
    assert find_key(acme.key, caller=HERE)
    assert compared == [False, False, True]

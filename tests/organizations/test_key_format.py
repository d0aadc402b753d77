import string

import pytest

from organizations.key_format import ALPHABET, KeyParts, compose, new_parts, take_apart

KEY = "trg_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVW1R9lWo"
PARTS = KeyParts("0123456789AB", "0123456789ABCDEFGHIJKLMNOPQRSTUVW")


def test_a_key_of_known_parts_has_this_text() -> None:
    assert compose(PARTS) == KEY


def test_a_key_comes_apart_into_what_it_was_made_of() -> None:
    assert take_apart(KEY) == PARTS


def test_a_new_key_has_192_random_bits_or_more_in_base62() -> None:
    parts = new_parts()
    assert 62 ** len(parts.secret) >= 2**192
    assert set(parts.public_id + parts.secret) <= set(string.ascii_letters + string.digits)


def test_two_new_keys_have_nothing_in_common() -> None:
    one, other = new_parts(), new_parts()
    assert one.public_id != other.public_id
    assert one.secret != other.secret


def test_every_change_of_a_single_character_is_noticed() -> None:
    slips = [KEY[:i] + other + KEY[i + 1 :] for i in range(len(KEY)) for other in ALPHABET if other != KEY[i]]
    assert [slip for slip in slips if take_apart(slip)] == []


def test_every_swap_of_two_neighbours_is_noticed() -> None:
    swaps = [KEY[:i] + KEY[i + 1] + KEY[i] + KEY[i + 2 :] for i in range(len(KEY) - 1)]
    assert [swap for swap in swaps if swap != KEY and take_apart(swap)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trg_",
        KEY[:-1],
        KEY + "0",
        KEY.lower(),
        f" {KEY}",
        f"{KEY}\n",
        KEY.replace("_", "-"),
        "é" * len(KEY),
    ],
)
def test_what_is_not_of_that_form_is_no_key(text: str) -> None:
    assert take_apart(text) is None

import pytest

from events.payloads import payload_fault

NUL = r"This holds \u0000, which can't be stored."
DEEP = "This is nested deeper than 64 levels."
EXPONENT = "This holds a number with an exponent beyond 308."
BOMB = "The exponents of its numbers, written out, would take more than an event may have."


def fault_in(text: str) -> str | None:
    return payload_fault(text.encode())


@pytest.mark.parametrize(
    "text", [r'"\u0000"', r'"a\u0000"', r'{"\u0000": 1}', r'"\\\u0000"', r'"\\\\\u0000"']
)
def test_a_nul_is_found(text: str) -> None:
    assert fault_in(text) == NUL


@pytest.mark.parametrize(
    "text", [r'"\\u0000"', r'"\\\\u0000"', r'"\u00001"'.replace("00001", "0001"), '"0000"']
)
def test_what_only_looks_like_a_nul_is_let_through(text: str) -> None:
    assert fault_in(text) is None


@pytest.mark.parametrize("pair", ["[]", '{"a":}', "mixed"])
def test_nesting_is_allowed_to_64_levels(pair: str) -> None:
    assert fault_in(nested(64, pair)) is None
    assert fault_in(nested(65, pair)) == DEEP


def nested(levels: int, pair: str) -> str:
    pairs = ["[]", '{"a":}'] if pair == "mixed" else [pair]
    text = "1"
    for level in range(levels):
        opening, closing = pairs[level % len(pairs)][:-1], pairs[level % len(pairs)][-1]
        text = opening + text + closing
    return text


def test_what_lies_side_by_side_is_not_deep() -> None:
    assert fault_in("[" + ",".join(["[]"] * 200) + "]") is None


@pytest.mark.parametrize("text", ['"' + "[{" * 500 + '"', r'["\"' + "[" * 500 + '"]', '["' + "]" * 99 + '"]'])
def test_brackets_in_a_string_are_not_nesting(text: str) -> None:
    assert fault_in(text) is None


def test_brackets_in_a_string_hide_no_nesting() -> None:
    assert fault_in('["' + "]" * 99 + '",' + nested(64, "[]") + "]") == DEEP


@pytest.mark.parametrize("number", ["1e308", "1E+308", "-1.5e-308", "1e000308", "0e0", "1e5"])
def test_an_exponent_that_a_double_has_is_let_through(number: str) -> None:
    assert fault_in(f"[{number}]") is None


@pytest.mark.parametrize(
    "number", ["1e309", "1e400", "-1E+309", "1e-309", "0e999999999", "1e0000309", f"1e{'9' * 9000}"]
)
def test_a_larger_exponent_is_refused(number: str) -> None:
    assert fault_in(f"[{number}]") == EXPONENT


def test_exponents_in_strings_are_no_numbers() -> None:
    assert fault_in('["1e999", "\\"1e999", {"2e400": 1e1}]') is None


def test_many_exponents_may_not_write_out_to_more_than_an_event() -> None:
    assert fault_in("[" + ",".join(["1e308"] * 851) + "]") is None
    assert fault_in("[" + ",".join(["1e308"] * 852) + "]") == BOMB


@pytest.mark.parametrize("text", ['"' + "\\\\" * 100_000 + '"', "[" * 64 + '"\\"' * 1 + '"' + "]" * 64])
@pytest.mark.timeout(2)
def test_no_text_takes_long_to_look_at(text: str) -> None:
    assert fault_in(text) is None

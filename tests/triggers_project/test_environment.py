import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest

from triggers_project.environment import BadEnvironment, Environment


def reading(**values: str) -> Environment:
    return Environment(values)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(BadEnvironment) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("values", [{}, {"X": ""}, {"X": "  "}])
def test_what_is_unset_or_empty_is_the_default(values: dict[str, str]) -> None:
    env = reading(**values)
    assert env.text("X", "text") == "text"
    assert env.boolean("X", default=True) is True
    assert env.whole_number("X", 5, least=1, most=9) == 5
    assert env.number("X", 0.5, least=0.1, most=9.0) == 0.5
    assert env.words("X", ["a"]) == ["a"]
    assert env.choice("X", "a", ["a", "b"]) == "a"
    assert env.networks("X", ["10.0.0.0/8"]) == [ipaddress.ip_network("10.0.0.0/8")]
    assert env.whole_numbers("X", [5], least=0, most=9) == [5]
    assert env.url("X", ("redis",), default=lambda: "redis://a") == "redis://a"
    assert env.origins("X") == []


@pytest.mark.parametrize("raw", ["true", "TRUE", "1", "yes", "on", " True "])
def test_words_for_true(raw: str) -> None:
    assert reading(X=raw).boolean("X", default=False) is True


@pytest.mark.parametrize("raw", ["false", "False", "0", "no", "off"])
def test_words_for_false(raw: str) -> None:
    assert reading(X=raw).boolean("X", default=True) is False


def test_any_other_word_is_neither() -> None:
    assert refusal(lambda: reading(DEBUG="maybe").boolean("DEBUG", default=False)) == (
        "DEBUG='maybe' is neither true nor false"
    )


@pytest.mark.parametrize(("raw", "number"), [("1", 1), ("9", 9), ("-3", -3), (" 7 ", 7)])
def test_whole_numbers_within_bounds(raw: str, number: int) -> None:
    assert reading(X=raw).whole_number("X", 5, least=-9, most=9) == number


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("eighty", "PORT='eighty' is not a whole number"),
        ("80.0", "PORT='80.0' is not a whole number"),
        ("--1", "PORT='--1' is not a whole number"),
        ("1e3", "PORT='1e3' is not a whole number"),
        ("0", "PORT=0 is not between 1 and 65535"),
        ("-1", "PORT=-1 is not between 1 and 65535"),
        ("65536", "PORT=65536 is not between 1 and 65535"),
    ],
)
def test_any_other_whole_number_is_refused_in_words(raw: str, words: str) -> None:
    assert refusal(lambda: reading(PORT=raw).whole_number("PORT", 8000, least=1, most=65535)) == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("fast", "X='fast' is not a number"),
        ("0.05", "X=0.05 is not between 0.1 and 300.0"),
        ("301", "X=301.0 is not between 0.1 and 300.0"),
        ("nan", "X=nan is not between 0.1 and 300.0"),
        ("inf", "X=inf is not between 0.1 and 300.0"),
    ],
)
def test_any_other_number_is_refused_in_words(raw: str, words: str) -> None:
    assert reading(X="2.5").number("X", 30.0, least=0.1, most=300.0) == 2.5
    assert refusal(lambda: reading(X=raw).number("X", 30.0, least=0.1, most=300.0)) == words


def test_words_are_separated_by_commas() -> None:
    assert reading(X=" a, b ,,c").words("X", []) == ["a", "b", "c"]


def test_a_choice_is_one_of_those() -> None:
    assert reading(X="b").choice("X", "a", ["a", "b"]) == "b"
    assert refusal(lambda: reading(X="c").choice("X", "a", ["a", "b"])) == "X='c' is not one of a, b"


def test_networks_are_cidrs() -> None:
    found = reading(X="10.0.0.0/8, fd00::/8,192.0.2.1").networks("X", [])
    assert [str(network) for network in found] == ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("10.0.0.1/8", "X: 10.0.0.1/8 has host bits set"),
        ("10.0.0.0/8,localhost", "X: 'localhost' does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_any_other_network_is_refused_in_words(raw: str, words: str) -> None:
    assert refusal(lambda: reading(X=raw).networks("X", [])) == words


def test_a_schedule_is_a_list_of_whole_numbers() -> None:
    assert reading(X="0, 60,9").whole_numbers("X", [5], least=0, most=60) == [0, 60, 9]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("5,x", "X: 'x' is not a whole number"),
        ("5,-1", "X: '-1' is not a whole number"),
        ("5,1.5", "X: '1.5' is not a whole number"),
        ("5,61", "X=61 is not between 0 and 60"),
    ],
)
def test_any_other_schedule_is_refused_in_words(raw: str, words: str) -> None:
    assert refusal(lambda: reading(X=raw).whole_numbers("X", [5], least=0, most=60)) == words


@pytest.mark.parametrize("raw", ["redis://:word@host:6379/0", "rediss://host", "redis://[::1]:1/0"])
def test_a_url_of_one_of_the_schemes(raw: str) -> None:
    assert reading(X=raw).url("X", ("redis", "rediss"), default=str) == raw


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("http://host", "X does not start with redis:// or rediss://"),
        ("redis", "X does not start with redis:// or rediss://"),
        ("redis://", "X does not start with redis:// or rediss://"),
        ("redis:host", "X does not start with redis:// or rediss://"),
        ("redis://:word@host:port/0", "X names no host and port that can be read"),
        ("redis://:word@host:99999/0", "X names no host and port that can be read"),
        ("redis://:word@[::1/0", "X names no host and port that can be read"),
    ],
)
def test_any_other_url_is_refused_without_repeating_it(raw: str, words: str) -> None:
    assert refusal(lambda: reading(X=raw).url("X", ("redis", "rediss"), default=str)) == words


def test_origins_are_schemes_with_hosts() -> None:
    raw = "https://app.example.com, http://localhost:3000"
    assert reading(X=raw).origins("X") == ["https://app.example.com", "http://localhost:3000"]


@pytest.mark.parametrize(
    "word", ["app.example.com", "https://app.example.com/", "ftp://a.example", "*", "https://"]
)
def test_any_other_origin_is_refused_in_words(word: str) -> None:
    assert refusal(lambda: reading(X=f"https://a.example,{word}").origins("X")) == (
        f"X: {word!r} is not an origin such as https://app.example.com"
    )


def test_a_value_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    file.write_text("from the file\n")

    assert reading(X_FILE=str(file)).text("X") == "from the file"
    assert reading(X="", X_FILE=str(file)).text("X", "default") == "from the file"


def test_a_file_that_cannot_be_read_and_two_values_are_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    assert refusal(lambda: reading(X_FILE=str(missing)).text("X")) == (
        f"X_FILE={str(missing)!r} can't be read: FileNotFoundError"
    )
    assert refusal(lambda: reading(X="one", X_FILE="two").text("X")) == (
        "X and X_FILE are both set: set one of them"
    )

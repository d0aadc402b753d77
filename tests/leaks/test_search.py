"""The searcher itself, on texts with a planted secret."""

import time

import pytest

from tests.leaks.search import Output, find_leaks

KEY_SECRET = "Zk3T9wQe1RtY7uIoP5aSdFgH2jKlXcVbN"  # 33 characters, as a key has
SIGNING = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
HEADER = "Bearer s3cret-of-a-tenant"
KEY = f"trg_0123456789AB_{KEY_SECRET}A1B2C3"


def leaks(text: str, secrets: dict[str, str] | None = None) -> list[str]:
    known = {KEY_SECRET: "API key", SIGNING: "signing secret", HEADER: "header value"}
    found = find_leaks(known if secrets is None else secrets, [Output("a log line", text, "during a test")])
    return [str(leak) for leak in found]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'{{"event":"x","key":"{KEY_SECRET}"}}', "API key"),
        (f"before{KEY_SECRET}after", "API key"),
        (f"whsec_{SIGNING[:-1]}", "signing secret"),
        (f"secret={SIGNING}&a=1", "signing secret"),
        ("secret=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA%3D", "signing secret"),
        (f"<td>{HEADER}</td>", "header value"),
        (f"X{HEADER}Y", "header value"),
        ("?a=Bearer%20s3cret-of-a-tenant", "header value"),
    ],
    ids="field inside shape query quoted page embedded url".split(),
)
def test_a_planted_secret_is_found(text: str, kind: str) -> None:
    assert leaks(f"nothing here\n{text}\nnor here") == [f"{kind} in a log line during a test"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (KEY, "API key"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "signing secret"),
        ("gAAAAABm" + "x" * 80, "encrypted text"),
        ("$2b$12$" + "a" * 53, "hash of a key"),
        ("pbkdf2_sha256$1000000$salt$" + "a" * 44, "hash of a password"),
    ],
    ids="key signing sealed bcrypt password".split(),
)
def test_what_looks_like_a_secret_is_found_whoever_made_it(text: str, kind: str) -> None:
    assert leaks(f'"{text}"', {}) == [f"{kind} in a log line during a test"]


@pytest.mark.parametrize(
    "text", [KEY_SECRET[:-1], KEY_SECRET.lower(), "Bearer", "trg_0123456789AB", "whsec_***", HEADER[1:]]
)
def test_a_part_of_a_secret_is_none(text: str) -> None:
    assert leaks(text) == []


def test_it_is_not_repeated_wherever_it_stands() -> None:
    output = Output("the answer to", KEY_SECRET, f"during a_test[{KEY_SECRET}]", f"GET /{KEY_SECRET} 404")
    (leak,) = find_leaks({KEY_SECRET: "API key"}, [output])
    assert str(leak) == "API key in the answer to GET /*** 404 during a_test[***]"


def test_what_is_meant_to_show_it_may() -> None:
    there, here = Output("page", HEADER, route="there"), Output("page", HEADER, route="here")
    found = find_leaks({HEADER: "header value"}, [there, here], may_show=lambda _, one: one is there)
    assert [leak.output for leak in found] == [here]


def test_what_the_documentation_prints_is_no_secret() -> None:
    assert find_leaks({HEADER: "header value"}, [Output("page", HEADER)], published=f"e.g. {HEADER}") == []


def test_thousands_of_secrets_in_tens_of_thousands_of_lines_take_no_5_seconds() -> None:
    secrets = {f"{number:05d}{KEY_SECRET[5:]}": "API key" for number in range(5_000)}
    secrets |= {f"Bearer token-number-{number}": "header value" for number in range(200)}
    lines = [
        Output(
            "a log line", f'{{"time":"2026-01-31T12:00:{number}","event_id":"0198a1b2-c3d4-7e5f-{number}"}}'
        )
        for number in range(50_000)
    ]
    planted = Output("a log line", f"x 04321{KEY_SECRET[5:]} y")
    began = time.monotonic()
    found = find_leaks(secrets, [*lines, planted])
    assert [leak.output for leak in found] == [planted]
    assert time.monotonic() - began < 5

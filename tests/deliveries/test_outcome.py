from datetime import UTC, datetime

import pytest

from deliveries.outcome import DELIVERED, REJECTED, Outcome, answered, seconds_until

NOW = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)


def of(status_code: int, **headers: str) -> Outcome:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answered(status_code, headers=named, body="text", now=NOW)


@pytest.mark.parametrize("status_code", [200, 201, 204, 299])
def test_2xx_is_delivered(status_code: int) -> None:
    assert of(status_code) == Outcome(DELIVERED, status_code, body="text")


@pytest.mark.parametrize("status_code", [300, 301, 302, 304, 307, 308, 399])
def test_3xx_is_not_followed_and_says_so(status_code: int) -> None:
    outcome = of(status_code)
    assert outcome.kind == REJECTED
    assert outcome.error == f"The receiver answered {status_code}; redirects are not followed."


@pytest.mark.parametrize("status_code", [199, 400, 404, 410, 429, 500, 503, 999])
def test_anything_else_is_rejected(status_code: int) -> None:
    outcome = of(status_code)
    assert (outcome.kind, outcome.error) == (REJECTED, f"The receiver answered {status_code}.")


def test_only_410_is_gone() -> None:
    assert [code for code in range(200, 600) if of(code).gone] == [410]


@pytest.mark.parametrize("status_code", [429, 503])
def test_retry_after_counts_with_429_and_503(status_code: int) -> None:
    assert of(status_code, Retry_After="120").retry_after == 120.0
    assert of(status_code, retry_after="120").retry_after == 120.0


@pytest.mark.parametrize("status_code", [200, 301, 404, 500, 502])
def test_retry_after_counts_with_nothing_else(status_code: int) -> None:
    assert of(status_code, Retry_After="120").retry_after is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("9" * 400, 999_999_999_999.0),
        ("Fri, 06 Nov 2026 08:50:37 GMT", 60.0),
        ("Friday, 06-Nov-26 08:50:37 GMT", 60.0),  # the two obsolete forms of RFC 9110, section 5.6.7
        ("Fri Nov  6 08:50:37 2026", 60.0),
        ("Fri, 06 Nov 2026 09:50:37 +0100", 60.0),
        ("Fri, 06 Nov 2026 08:48:37 GMT", 0.0),  # past
    ],
)
def test_both_forms_of_retry_after(text: str, seconds: float) -> None:
    assert seconds_until(text, now=NOW) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "1e3", "٣", "Fri, 99 Nov 2026 08:50:37 GMT", "Nov", ",", "0x10", "\x00"]
)
def test_garbage_is_no_retry_after(text: str) -> None:
    assert seconds_until(text, now=NOW) is None


@pytest.mark.parametrize("asked", ["86401", "999999999999"])
def test_a_receiver_may_ask_for_a_day_at_most(asked: str) -> None:
    assert of(503, Retry_After=asked).retry_after == 86_400

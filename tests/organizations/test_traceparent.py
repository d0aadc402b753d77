import pytest

from organizations.traceparent import read_traceparent, trace_facts

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-ff", f"00-{TRACE}-{SPAN}-03"),  # flags that nobody knows are not passed on
        (f"cc-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"),  # a later version, of which we know the beginning
        (f"cc-{TRACE}-{SPAN}-01-what-comes", f"00-{TRACE}-{SPAN}-01"),
    ],
)
def test_what_is_valid_is_read(given: str, read: str) -> None:
    assert read_traceparent(given) == read


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "hello",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"cc-{TRACE}-{SPAN}-01more",
    ],
)
def test_what_is_not_valid_is_none(given: str | None) -> None:
    assert read_traceparent(given) is None


def test_a_line_of_the_log_tells_the_trace_id_if_there_is_one() -> None:
    assert trace_facts(f"00-{TRACE}-{SPAN}-01") == {"trace_id": TRACE}
    assert trace_facts(None) == {}

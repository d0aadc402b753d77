import pytest
from django.test import RequestFactory

from organizations.callers import caller_address


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "address"),
    [
        (False, "203.0.113.9", "127.0.0.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "10.1.1.1, 203.0.113.9", "203.0.113.9"),
        (True, "", "127.0.0.1"),
    ],
)
def test_a_forwarded_address_is_believed_only_behind_a_proxy(
    settings: pytest.FixtureDef, behind_proxy: bool, forwarded: str, address: str
) -> None:
    settings.BEHIND_TLS_PROXY = behind_proxy
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert caller_address(request) == address

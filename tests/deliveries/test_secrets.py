import base64

import pytest

from deliveries.errors import InvalidSecret
from deliveries.secrets import new_secret, secret_bytes


def of(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(size))).decode()


def test_a_new_secret_has_256_random_bits() -> None:
    assert len(secret_bytes(new_secret())) == 32
    assert new_secret() != new_secret()


def test_the_known_vector() -> None:
    assert secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").hex() == (
        "31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0"
    )


@pytest.mark.parametrize("size", [24, 64])
def test_a_secret_has_24_to_64_bytes(size: int) -> None:
    assert secret_bytes(of(size)) == bytes(range(size))


@pytest.mark.parametrize(
    "secret", [of(23), of(65), "whsec_", of(32).removeprefix("whsec_"), "WHSEC_" + of(32)[6:]]
)
def test_any_other_size_or_form_is_refused(secret: str) -> None:
    with pytest.raises(InvalidSecret) as caught:
        secret_bytes(secret)
    assert [pointer for pointer, _ in caught.value.fields] == ["#/secret"]


@pytest.mark.parametrize(
    "secret", ["whsec_ä" * 9, "whsec_" + "a" * 33, of(32) + "\n", of(32).replace("A", "-"), "whsec_whsec_"]
)
def test_what_is_not_base64_is_refused(secret: str) -> None:
    with pytest.raises(InvalidSecret) as caught:
        secret_bytes(secret)
    assert secret not in str(caught.value)

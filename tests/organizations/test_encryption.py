import pytest
from cryptography.fernet import Fernet, InvalidToken

from organizations.encryption import decrypt, encrypt, under_current_key

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_was_encrypted_can_be_read_back() -> None:
    assert decrypt(encrypt("whsec_ä")) == "whsec_ä"


def test_the_same_text_never_looks_the_same() -> None:
    assert encrypt("a") != encrypt("a")


def test_a_new_key_in_front_still_reads_what_the_old_one_wrote(settings: pytest.FixtureDef) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt("secret")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert decrypt(token) == "secret"


def test_a_text_under_the_current_key_needs_no_other(settings: pytest.FixtureDef) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt("secret")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    fresh = under_current_key(token)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert decrypt(fresh) == "secret"


def test_without_its_key_nothing_can_be_read(settings: pytest.FixtureDef) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt("secret")
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(InvalidToken):
        decrypt(token)

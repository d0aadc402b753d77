import pytest

from organizations.audit_words import in_words


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("tier.changed", "Tier changed"),
        ("endpoint.url_changed", "Endpoint URL changed"),
        ("second_factor.reset", "Second factor reset"),
        ("periodictask.run", "Schedule run"),
        ("admin.login", "Logged in"),
        ("unheard", "Unheard"),
    ],
)
def test_an_action_in_words(action: str, words: str) -> None:
    assert in_words(action) == words

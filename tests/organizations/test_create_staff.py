"""`manage.py create_staff`"""

import getpass
from collections.abc import Iterator
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command


@pytest.fixture(autouse=True)
def quick_hasher(settings: pytest.FixtureDef) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("create_staff", *arguments, stdout=out)
    return out.getvalue().splitlines()


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    waiting: Iterator[str] = iter(answers)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(waiting))


@pytest.mark.parametrize("role", ["support", "operator", "owner"])
def test_it_makes_an_account_with_a_role_and_says_its_password_once(db: None, role: str) -> None:
    said = run("ada", "--role", role, "--email", "ada@example.com")

    assert said[0] == f"ada may log in at /admin/ as {role.capitalize()}."
    user = authenticate(username="ada", password=said[1].removeprefix("Password, shown this once: "))
    assert isinstance(user, User)
    assert (user.email, user.is_staff, user.is_superuser) == ("ada@example.com", True, False)
    assert [group.name for group in user.groups.all()] == [role.capitalize()]


def test_the_password_can_be_typed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "correct horse battery", "correct horse battery")

    assert run("ada", "--role", "support", "--ask-password") == ["ada may log in at /admin/ as Support."]
    assert authenticate(username="ada", password="correct horse battery") is not None


@pytest.mark.parametrize(
    ("arguments", "answers", "words"),
    [
        (["taken", "--role", "support"], (), "NAME: A user with that username already exists."),
        (["a b", "--role", "support"], (), "NAME: Enter a valid username."),
        (["ada", "--role", "support", "--email", "ada"], (), "--email: Enter a valid email address."),
        (["ada", "--role", "king"], (), "invalid choice: 'king'"),
        (["ada"], (), "the following arguments are required: --role"),
        (["ada", "--role", "support", "--ask-password"], ("one", "two"), "The two were not the same"),
        (
            ["ada", "--role", "support", "--ask-password"],
            ("password", "password"),
            "This password is too common.",
        ),
    ],
)
def test_what_it_refuses(
    db: None, monkeypatch: pytest.MonkeyPatch, arguments: list[str], answers: tuple[str, ...], words: str
) -> None:
    User.objects.create(username="taken")
    typed(monkeypatch, *answers)

    with pytest.raises(CommandError, match=words):
        run(*arguments)

    assert list(User.objects.values_list("username", flat=True)) == ["taken"]


def test_without_the_roles_it_says_what_to_do(db: None) -> None:
    Group.objects.all().delete()

    with pytest.raises(CommandError, match=r"run manage\.py migrate first"):
        run("ada", "--role", "support")

    assert not User.objects.exists()

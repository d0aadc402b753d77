"""The second factor: set up, asked for at login, good once, given up, and taken away by an owner."""

import base64
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client

from organizations.models import AuditEntry, SecondFactor
from organizations.roles import OWNER, SUPPORT
from organizations.second_factor import (
    begin_enrolment,
    confirm_enrolment,
    has_second_factor,
    takes,
    unconfirmed_secret,
)
from tests.concurrency import at_once
from tests.staff import administrator, press, words

PAGE, PASSWORD = "/admin/second-factor/", "correct horse battery"
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick_hasher(settings: pytest.FixtureDef) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def make_ada(role: str = SUPPORT) -> User:
    user = User.objects.create_user("ada", password=PASSWORD, is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    return user


@pytest.fixture
def ada(db: None) -> User:
    return make_ada()


def code_of(secret: str, at: datetime) -> str:
    app = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303  (RFC 6238's own)
    return app.generate(int(at.timestamp())).decode()


def enrolled(user: User, at: datetime = AT) -> SimpleNamespace:
    """The secret and the recovery codes of somebody who has just set it up."""
    begin_enrolment(user)
    secret = unconfirmed_secret(user)
    assert secret is not None
    return SimpleNamespace(secret=secret, recovery=confirm_enrolment(user, code_of(secret, at), now=at))


def later(seconds: int) -> datetime:
    return datetime.fromtimestamp(AT.timestamp() + seconds, UTC)


def logged_in(code: str = "", password: str = PASSWORD) -> bool:
    data = {"username": "ada", "password": password, "code": code}
    return bool(Client().post("/admin/login/?next=/admin/", data).status_code == 302)


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


# --- Codes --------------------------------------------------------------------------------------------------------


def test_a_code_is_good_once(ada: User) -> None:
    mine = enrolled(ada)
    code = code_of(mine.secret, later(60))

    assert [takes(ada, code, now=later(60)) for _ in range(3)] == [True, False, False]


def test_the_code_that_confirmed_it_does_not_log_in(ada: User) -> None:
    mine = enrolled(ada)

    assert takes(ada, code_of(mine.secret, AT), now=AT) is False


@pytest.mark.parametrize(
    ("seconds", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_half_a_minute_off(ada: User, seconds: int, taken: bool) -> None:
    mine = enrolled(ada, later(-600))

    assert takes(ada, code_of(mine.secret, later(seconds)), now=AT) is taken


def test_an_older_code_is_refused_once_a_newer_one_was_used(ada: User) -> None:
    mine = enrolled(ada, later(-600))
    takes(ada, code_of(mine.secret, AT), now=AT)

    assert takes(ada, code_of(mine.secret, later(-30)), now=AT) is False


def test_a_recovery_code_is_good_once(ada: User) -> None:
    mine = enrolled(ada)

    assert len(set(mine.recovery)) == 10
    assert [takes(ada, mine.recovery[3], now=AT) for _ in range(2)] == [True, False]
    assert takes(ada, mine.recovery[4].upper(), now=AT) is True
    assert len(SecondFactor.objects.get().recovery_hashes) == 8


def test_of_many_who_use_a_code_at_once_one_gets_in(committed: None) -> None:
    ada = make_ada()
    try:
        mine = enrolled(ada)
        code = code_of(mine.secret, later(60))
        assert sorted(at_once([lambda: takes(ada, code, now=later(60))] * 4)) == [False] * 3 + [True]
        assert sorted(at_once([lambda: takes(ada, mine.recovery[0], now=AT)] * 4)) == [False] * 3 + [True]
    finally:
        SecondFactor.objects.all().delete()
        ada.delete()


def test_neither_secret_nor_recovery_codes_are_stored_as_they_are(ada: User) -> None:
    mine = enrolled(ada)

    stored = repr(SecondFactor.objects.values().get())
    assert not any(text in stored for text in (mine.secret, *mine.recovery))


@pytest.mark.parametrize("code", ["", " ", "abc", "0000000", "１２３４５６", "\x00"])
def test_what_is_no_code(ada: User, code: str) -> None:
    enrolled(ada)

    assert takes(ada, code, now=AT) is False


# --- Logging in ---------------------------------------------------------------------------------------------------


def test_who_has_one_needs_it_to_log_in(ada: User) -> None:
    mine = enrolled(ada)

    assert logged_in() is False
    assert logged_in(code="000000") is False
    assert logged_in(code=mine.recovery[0], password="wrong") is False
    assert logged_in(code=mine.recovery[0]) is True
    assert logged_in(code=mine.recovery[0]) is False


def test_who_has_none_logs_in_with_a_password(ada: User) -> None:
    begin_enrolment(ada)  # not confirmed: nobody is locked out by a code that he can't make

    assert logged_in() is True


def test_a_refusal_does_not_say_that_the_password_was_right(ada: User) -> None:
    enrolled(ada)

    def refused(**data: str) -> HttpResponse:
        return Client().post("/admin/login/", {"username": "ada", **data})

    pages = [refused(password=PASSWORD), refused(password=PASSWORD, code="123456"), refused(password="wrong")]
    assert (
        len({re.sub(r"csrf\S+ value=\S+", "", page.content.decode()) and words(page) for page in pages}) == 1
    )


def test_guessing_codes_is_counted(ada: User) -> None:
    browser = browser_of(ada)
    enrolled(ada)

    answers = [browser.post(PAGE, {"do": "remove", "code": "000000"}).status_code for _ in range(11)]

    assert answers == [200] * 10 + [429]
    assert has_second_factor(ada)


# --- The page -----------------------------------------------------------------------------------------------------


def test_setting_it_up(ada: User) -> None:
    browser = browser_of(ada)

    asked = browser.get(PAGE)
    assert not SecondFactor.objects.exists()
    begun = press(browser, asked)
    secret = re.search(r"secret=([A-Z2-7]{32})", begun.content.decode()).group(1)
    assert f"Secret {secret}" in words(begun)
    assert "otpauth://totp/Triggers:ada?" in words(begun)
    wrong = browser.post(PAGE, {"do": "confirm", "code": "000000"})
    assert "This code is wrong" in words(wrong)
    assert not has_second_factor(ada)
    page = browser.post(PAGE, {"do": "confirm", "code": code_of(secret, datetime.now(UTC))})

    assert has_second_factor(ada)
    shown = re.findall(r"\b[0-9a-f]{16}\b", words(page))
    assert len(shown) == 10
    again = browser.get(PAGE)
    assert not any(text in again.content.decode() for text in (secret, *shown))
    assert browser.post(PAGE, {"do": "begin"}).status_code == 200
    assert unconfirmed_secret(ada) is None
    assert logged_in(code=shown[0])


def test_it_is_removed_with_a_code(ada: User) -> None:
    mine, browser = enrolled(ada), browser_of(ada)

    refused = browser.post(PAGE, {"do": "remove", "code": "000000"})
    assert "This code is wrong" in words(refused)
    assert has_second_factor(ada)
    page = browser.post(PAGE, {"do": "remove", "code": mine.recovery[0]}, follow=True)

    assert "Your second factor was removed." in words(page)
    assert not SecondFactor.objects.exists()
    assert logged_in()


def test_what_is_done_to_it_is_in_the_audit_log_without_a_secret(ada: User) -> None:
    browser = browser_of(ada)
    browser.post(PAGE, {"do": "begin"})
    secret = unconfirmed_secret(ada)
    browser.post(PAGE, {"do": "confirm", "code": code_of(secret, datetime.now(UTC))})
    administrator().post(f"/admin/auth/user/{ada.pk}/second-factor/")

    entries = AuditEntry.objects.order_by("pk")
    assert [entry.action for entry in entries] == [
        "second_factor.begun",
        "second_factor.added",
        "second_factor.reset",
    ]
    assert secret not in repr(list(entries.values()))


def test_an_owner_resets_that_of_another(ada: User) -> None:
    enrolled(ada)
    owner = User.objects.create(username="grace", is_staff=True)
    owner.groups.add(Group.objects.get(name=OWNER))
    browser, path = browser_of(owner), f"/admin/auth/user/{ada.pk}/second-factor/"

    asked = browser.get(path)
    assert "Reset the second factor of ada?" in words(asked)
    assert has_second_factor(ada)
    page = press(browser, asked)
    assert "The second factor of ada was reset." in words(page)

    assert not has_second_factor(ada)
    assert "ada has no second factor" in words(browser.get(path))


def test_nobody_else_does(ada: User) -> None:
    enrolled(ada)

    assert browser_of(ada).post(f"/admin/auth/user/{ada.pk}/second-factor/").status_code == 403
    assert has_second_factor(ada)


# --- REQUIRE_SECOND_FACTOR ----------------------------------------------------------------------------------------


def test_where_it_is_required_who_has_none_gets_to_its_page_and_no_further(
    ada: User, settings: pytest.FixtureDef
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    browser = browser_of(ada)

    for path in ("/admin/", "/admin/deliveries/delivery/", "/admin/password_change/", "/admin/nothing/"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers.get("Location")) == (302, PAGE), path
    assert browser.post("/admin/deliveries/deadletter/replay/").headers["Location"] == PAGE
    assert browser.get(PAGE).status_code == 200
    enrolled(ada)
    assert browser.get("/admin/").status_code == 200
    assert browser.post("/admin/logout/").status_code == 200
